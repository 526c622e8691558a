# Policy of one service; @SERVICE@ is replaced by its name. It may enter itself and find the others.
service "@SERVICE@" {
  policy = "write"
}
service_prefix "" {
  policy = "read"
}
node_prefix "" {
  policy = "read"
}
