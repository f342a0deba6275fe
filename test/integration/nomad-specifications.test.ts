import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createUpstream } from '../helpers/git-repository.ts'
import { startUp } from '../helpers/start-up.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** Every key that the specification of `nomad volume init` has, and in its order. */
const everyKey = `id        = "orders_db1"
namespace = "default"
name      = "orders"
type      = "csi"
plugin_id = "directories"

# For a register; a create leaves it out.
external_id = "orders-disk"

# Of a create. One of the two at most.
snapshot_id = "snap-0001"
# clone_id  = "vol-0002"

capacity_min = "1GiB"
capacity_max = "20G"

capability {
  access_mode     = "single-node-writer"
  attachment_mode = "file-system"
}

capability {
  access_mode     = "single-node-reader-only"
  attachment_mode = "file-system"
}

mount_options {
  fs_type     = "ext4"
  mount_flags = ["ro"]
}

topology_request {
  preferred {
    topology { segments { rack = "R1" } }
  }
  required {
    topology { segments { rack = "R1" } }
    topology { segments { rack = "R2", zone = "z1" } }
  }
}

secrets {
  any_secret = "hush"
}

parameters {
  kind = "any"
}

context {
  endpoint = "http://127.0.0.1:1"
}
`

/** The same keys in JSON, its objects in lists as Nomad writes them; of a volume to create. */
const inJSON = JSON.stringify({
  id: 'ledger_db1',
  namespace: 'default',
  name: 'ledger',
  type: 'csi',
  plugin_id: 'directories',
  capacity_min: '1GiB',
  capacity_max: '20G',
  capability: [{ access_mode: 'single-node-writer', attachment_mode: 'file-system' }],
  mount_options: [{ fs_type: 'ext4', mount_flags: ['ro'] }],
  secrets: [{ any_secret: 'hush' }],
})

describe('a Git repository of Nomad’s own volume specifications', () => {
  it('works as it is: created and registered, host volumes too, beside jobs, and at rest after a restart', async () => {
    const root = temporaryDirectory()
    const upstream = createUpstream(root)
    upstream.write('volumes/orders.hcl', everyKey)
    upstream.write('volumes/ledger.json', inJSON)
    upstream.write('jobs/web.nomad.hcl', 'job "web" {\n  type = "service"\n}\n')
    upstream.write('volumes/scratch.hcl', 'name = "scratch"\ntype = "host"\nplugin_id = "mkdir"\n')
    upstream.push()
    const dataDirectory = join(root, 'data')
    mkdirSync(join(dataDirectory, 'pool', 'volumes', 'orders-disk'), { recursive: true })
    const source = `${upstream.url}#main`

    const mooring = await startUp(source, dataDirectory)
    await mooring.status('Volume/default/orders_db1', 'ready')
    await mooring.status('Volume/default/ledger_db1', 'ready')
    await mooring.status('HostVolume/default/scratch', 'ready')
    expect(mooring.directories()).toEqual(['ledger', 'orders-disk'])
    expect(await mooring.read('orders_db1')).toMatchObject({
      ...{ ExternalID: 'orders-disk', PluginID: 'directories', Context: { endpoint: 'http://127.0.0.1:1' } },
      ...{ Parameters: { kind: 'any' }, RequestedCapacityMin: 2 ** 30, RequestedCapacityMax: 20e9 },
      RequestedCapabilities: [
        { AccessMode: 'single-node-writer', AttachmentMode: 'file-system' },
        { AccessMode: 'single-node-reader-only', AttachmentMode: 'file-system' },
      ],
    })
    expect(await mooring.read('ledger_db1')).toMatchObject({ Name: 'ledger', Capacity: 2 ** 30 })
    expect(mooring.log.filter(({ msg }) => msg === 'invalid declaration')).toEqual([])
    await mooring.stop()

    const again = await startUp(source, dataDirectory)
    await again.status('Volume/default/orders_db1', 'ready')
    await again.status('Volume/default/ledger_db1', 'ready')
    expect(again.writes()).toEqual([])
    await again.stop()
  })
})
