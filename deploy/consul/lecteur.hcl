# Policy of the gateway, which finds the services and enters nothing.
service_prefix "" {
  policy = "read"
}
node_prefix "" {
  policy = "read"
}
