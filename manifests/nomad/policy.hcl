# What the operator may do in Nomad, and no more. Each capability stands beside the calls that need it.
# For the job in mooring.nomad.hcl:
#   nomad acl policy apply -namespace default -job mooring mooring policy.hcl

# One block for each Nomad namespace whose volumes are declared.
namespace "default" {
  capabilities = [
    # GET /v1/volumes, /v1/volume/csi/:id, /v1/volumes/external, /v1/volumes/snapshot, /v1/namespace/:name
    "csi-read-volume",
    # PUT /v1/volume/csi/:id (register), PUT …/create, DELETE (deregister), DELETE …/delete,
    # PUT and DELETE /v1/volumes/snapshot
    "csi-write-volume",
    # Only for spec.detach and mooring detach: DELETE /v1/volume/csi/:id/detach
    "csi-mount-volume",
    # Only for spec.detach and mooring detach: GET /v1/allocations.
    # Only to notice sooner what changed: GET /v1/event/stream, which takes it in every namespace.
    "read-job",
  ]

  # Only for replicas that share an inventory (--inventory nomad), in the namespace that
  # --variables-namespace names. "default" in the path is --instance.
  variables {
    path "mooring/default/*" {
      # read:    GET /v1/var/… (records, and who leads), and with it list:
      #          GET /v1/vars?prefix= (at the beginning of each term)
      # write:   PUT /v1/var/…?cas=, ?lock-acquire, ?lock-renew, ?lock-release
      # destroy: DELETE /v1/var/…?cas= (a record whose management has ended)
      capabilities = ["read", "write", "destroy"]
    }

    # Only for fromVariable secrets: GET /v1/vars?prefix=mooring/secrets/ and GET /v1/var/…
    path "mooring/secrets/*" {
      capabilities = ["read"]
    }
  }
}

# GET /v1/plugins and /v1/plugin/csi/:id; every call that creates, registers, deletes or detaches asks for it, too.
plugin {
  policy = "read"
}

# Only for spec.detach, mooring detach and the growing of volumes in use: GET /v1/nodes.
# Only for events: GET /v1/agent/members, for the release that every server runs.
node {
  policy = "read"
}
