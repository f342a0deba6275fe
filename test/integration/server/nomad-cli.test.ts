import { execFile } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Registration } from '../../../src/server/context.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'
import { nomadBinary } from '../../helpers/nomad-agent.ts'

const run = promisify(execFile)

/** A bound for a command that never ends, never a measure. */
const hangMs = 120_000

/** Every command that only reads, and some that a server without jobs can only refuse. `ALLOC` and `NODE` are IDs. */
const commands = [
  ...[
    'status',
    'status v1',
    'status ALLOC',
    'status NODE',
    'check',
    'agent-info',
    'server members -detailed',
  ],
  ...[
    'job status',
    'job status v1',
    'job allocs v1',
    'job history v1',
    'job inspect v1',
    'job deployments v1',
  ],
  ...['alloc status ALLOC', 'alloc status -verbose ALLOC', 'alloc status -json ALLOC', 'alloc logs ALLOC'],
  ...[
    'alloc fs ALLOC',
    'alloc checks ALLOC',
    'alloc stop -detach ALLOC',
    'node status',
    'node status -allocs',
  ],
  ...['node status NODE', 'node status -verbose -stats NODE', 'node status -json NODE', 'node pool list'],
  ...['node pool info default', 'node pool nodes default', 'node pool jobs default', 'node config -servers'],
  ...[
    'node meta read',
    'node eligibility -disable NODE',
    'node drain -enable -yes -detach NODE',
    'system gc',
  ],
  ...['system reconcile summaries', 'eval list', 'eval status abcdef', 'deployment list'],
  ...['deployment status abcdef', 'namespace list', 'namespace status default', 'namespace inspect default'],
  ...['plugin status', 'plugin status -verbose disk', 'volume status', 'volume status -verbose v1'],
  ...['volume status -json v1', 'volume status -type host', 'volume snapshot list -plugin disk'],
  ...['volume claim list', 'var list', 'var get x', 'service list', 'service info x', 'scaling policy list'],
  ...['quota list', 'license get', 'acl policy list', 'acl token list', 'acl role list', 'operator metrics'],
  ...['operator autopilot get-config', 'operator scheduler get-config', 'operator raft list-peers'],
  ...[
    'operator api -X GET /v1/regions',
    'recommendation list',
    'sentinel list',
    'monitor',
    'ui -show-url',
    'login',
  ],
]

describe.skipIf(nomadBinary === '')('the nomad command', { timeout: 6 * hangMs }, () => {
  let server: TestServer
  let home: string
  const nomad = async (line: string) => {
    const environment = {
      HOME: home,
      PATH: process.env.PATH,
      NOMAD_ADDR: server.url,
      NOMAD_CLI_NO_COLOR: '1',
    }
    const ended = run(nomadBinary, line.split(' '), { cwd: home, env: environment, timeout: hangMs })
    // `nomad operator api` reads it to its end.
    ended.child.stdin?.end()
    const { stdout, stderr, killed } = await ended.catch((error) => error)
    // What was cut off has said nothing that could be wrong.
    if (killed) throw new Error(`nomad ${line} does not end`)
    return `${stdout}${stderr}`
  }
  const start = async (registration: Registration) => {
    home = realpathSync(mkdtempSync(join(tmpdir(), 'mooring-cli-')))
    server = await startTestServer({ mountRoot: join(home, 'mounts'), registration })
  }

  const dispose = async () => {
    await server.dispose()
    rmSync(home, { recursive: true, force: true })
  }

  describe('reads', () => {
    let ids: Readonly<Record<string, string>>
    beforeAll(async () => {
      await start('page')
      await server.call('PUT', '/v1/volume/csi/v1/create', volumeBody('v1'))
      const claim = { TargetPath: join(home, 'mounts', 'a') }
      const { json } = await server.call('PUT', '/v1/volume/csi/v1/claim', claim)
      ids = { ALLOC: json.ID, NODE: json.NodeID }
    })
    afterAll(dispose)

    it.each(commands)('%s', async (command) => {
      const output = await nomad(command.replace(/ALLOC|NODE/g, (name) => ids[name] ?? name))
      expect(output).not.toContain('panic')
      // A refusal has a reason in brackets after its code.
      expect(output).not.toMatch(/Unexpected response code: \d{3}\b(?! \()/)
      expect(output).not.toMatch(/runtime error|invalid character|cannot unmarshal/)
    })
  })

  describe.each([
    ['page', /already exists.*--registration=nomad/s],
    ['nomad', /Created external volume/],
  ] as const)('makes volumes, run again (--registration=%s)', (registration, again) => {
    it('and changes nothing', async () => {
      await start(registration)
      try {
        const specification = join(home, 'volume.hcl')
        const text = (min: string) => `type = "csi"
id = "again"
name = "again"
plugin_id = "disk"
capacity_min = "${min}"
capability {
  access_mode = "single-node-writer"
  attachment_mode = "file-system"
}
`
        writeFileSync(specification, text('1MiB'))
        expect(await nomad(`volume create ${specification}`)).toMatch(/Created external volume/)
        const before = (await server.call('GET', '/v1/volume/csi/again')).json
        expect(await nomad(`volume create ${specification}`)).toMatch(again)
        expect((await server.call('GET', '/v1/volume/csi/again')).json).toEqual(before)
        expect(server.plugin.calls.filter(({ rpc }) => rpc === 'CreateVolume')).toHaveLength(1)
        writeFileSync(specification, text('2MiB'))
        expect(await nomad(`volume create ${specification}`)).toMatch(/Created external volume/)
        expect((await server.call('GET', '/v1/volume/csi/again')).json.Capacity).toBe(2 << 20)
        expect(await nomad('volume delete again')).toMatch(/Successfully deleted/)
      } finally {
        await dispose()
      }
    })
  })

  it('makes, shows, changes and deletes a dynamic host volume', async () => {
    await start('page')
    try {
      const specification = join(home, 'host.hcl')
      const text = (id: string, mode: string) => `type = "host"
${id}
name = "cache"
plugin_id = "mkdir"
node_pool = "default"
capability {
  access_mode = "single-node-writer"
  attachment_mode = "file-system"
}
constraint {
  attribute = "\${attr.kernel.name}"
  value     = "linux"
}
parameters {
  mode = "${mode}"
}
`
      writeFileSync(specification, text('', '0700'))
      const created = await nomad(`volume create ${specification}`)
      const [, id = ''] = /Created host volume cache with ID (\S+)/.exec(created) ?? [created]
      expect(id).toMatch(/^[0-9a-f-]{36}$/)
      expect(await nomad('volume status -type host')).toContain('cache')
      expect(await nomad(`volume status -type host ${id.slice(0, 8)}`)).toMatch(/Name +=? *cache/)
      writeFileSync(specification, text(`id = "${id}"`, '0700'))
      expect(await nomad(`volume create ${specification}`)).toContain(id)
      expect((await server.call('GET', '/v1/volumes?type=host')).json).toHaveLength(1)
      expect(await nomad(`volume delete -type host ${id}`)).toMatch(/Successfully deleted/)
      expect((await server.call('GET', '/v1/volumes?type=host')).json).toEqual([])
    } finally {
      await dispose()
    }
  })
})
