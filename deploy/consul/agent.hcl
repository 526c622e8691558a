# Access control is deny by default: each service holds a token that may register its own name only.
datacenter         = "espace"
data_dir           = "/consul/data"
disable_update_check = true
acl {
  enabled        = true
  default_policy = "deny"
}
