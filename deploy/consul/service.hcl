# Policy of one service; @SERVICE@ is replaced by its name. It may register itself and read the others.
service "@SERVICE@" {
  policy = "write"
}
service_prefix "" {
  policy = "read"
}
node_prefix "" {
  policy = "read"
}
agent_prefix "" {
  policy = "read"
}
