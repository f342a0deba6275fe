import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../fakes/api-server.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

let server: TestServer
let pluginFolder: string

beforeEach(async () => {
  pluginFolder = temporaryDirectory()
  writePlugin('quota', happyPlugin)
  server = await startTestServer({ hostVolumePluginDirectory: pluginFolder })
})
afterEach(async () => server.dispose())

/** A plugin by Nomad's contract: it tells of its calls in a file beside it. */
const happyPlugin = `
if [ "$1" = fingerprint ]; then echo '{"version": "1.2.3"}'; exit 0; fi
env | grep ^DHV_ | sort >> "$DHV_PLUGIN_DIR/$1.calls"
case "$1" in
  create)
    mkdir -p "$DHV_VOLUMES_DIR/$DHV_VOLUME_ID"
    echo "{\\"path\\": \\"$DHV_VOLUMES_DIR/$DHV_VOLUME_ID\\", \\"bytes\\": $DHV_CAPACITY_MIN_BYTES}";;
  delete) rm -rf "$DHV_CREATED_PATH";;
esac`

function writePlugin(name: string, script: string) {
  writeFileSync(join(pluginFolder, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`)
  chmodSync(join(pluginFolder, name), 0o755)
}

/** As a constraint names it. */
const kernelName = `\${attr.kernel.name}`

const create = (volume: object) => server.call('PUT', '/v1/volume/host/create', { Volume: volume })
const register = (volume: object) => server.call('PUT', '/v1/volume/host/register', { Volume: volume })
const list = async (query = '') => (await server.call('GET', `/v1/volumes?type=host${query}`)).json
const nodeID = async () => (await server.call('GET', '/v1/nodes')).json[0].ID

describe('a host volume that is created', () => {
  it('is a folder under an ID of the server, which the list, the read and the node show', async () => {
    const { status, json, headers } = await create({ Name: 'data', Parameters: { mode: '0750' } })
    expect(status).toBe(200)
    const { Volume: volume, Warnings: warnings } = json
    expect(warnings).toBe('')
    expect(Number(headers.get('x-nomad-index'))).toBe(volume.ModifyIndex)
    expect(volume).toMatchObject({
      Namespace: 'default',
      Name: 'data',
      PluginID: 'mkdir',
      NodePool: 'default',
      NodeID: await nodeID(),
      State: 'ready',
      CapacityBytes: 0,
      RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
      Parameters: { mode: '0750' },
    })
    expect(volume.ID).toMatch(/^[0-9a-f-]{36}$/)
    expect(statSync(volume.HostPath).mode & 0o7777).toBe(0o750)
    expect((await server.call('GET', `/v1/volume/host/${volume.ID}`)).json).toEqual(volume)
    const {
      RequestedCapabilities,
      RequestedCapacityMinBytes,
      RequestedCapacityMaxBytes,
      Parameters,
      HostPath,
      ...stub
    } = volume
    expect(await list()).toEqual([stub])
    const { json: node } = await server.call('GET', `/v1/node/${volume.NodeID}`)
    expect(node.HostVolumes.data).toEqual({ Name: 'data', ID: volume.ID, Path: HostPath, ReadOnly: false })
    expect(node.Attributes).toMatchObject({
      'plugins.host_volume.mkdir.version': '0.0.1',
      'plugins.host_volume.quota.version': '1.2.3',
    })
    const { json: found } = await server.call('PUT', '/v1/search', {
      Prefix: volume.ID.slice(0, 8),
      Context: 'host_volumes',
    })
    expect(found.Matches.host_volumes).toEqual([volume.ID])
  })

  it('is deleted with its data, and a second delete says that it is not there', async () => {
    const { Volume: volume } = (await create({ Name: 'data' })).json
    writeFileSync(join(volume.HostPath, 'file'), 'content')
    expect((await server.call('DELETE', `/v1/volume/host/${volume.ID}`)).status).toBe(200)
    expect(existsSync(volume.HostPath)).toBe(false)
    expect(readdirSync(join(server.dataDirectory, 'host_volumes'))).toEqual([])
    expect(await list()).toEqual([])
    expect(await server.call('DELETE', `/v1/volume/host/${volume.ID}`)).toMatchObject({
      status: 404,
      text: `no such volume: ${volume.ID}`,
    })
  })

  it('outlasts a restart with its data, and is unavailable once its folder is gone: no blank one takes its place', async () => {
    const { Volume: volume } = (await create({ Name: 'data' })).json
    writeFileSync(join(volume.HostPath, 'file'), 'content')
    await server.restart()
    expect((await list())[0]).toMatchObject({ ID: volume.ID, State: 'ready' })
    expect(readFileSync(join(volume.HostPath, 'file'), 'utf8')).toBe('content')
    rmSync(volume.HostPath, { recursive: true })
    await server.restart()
    expect((await list())[0]).toMatchObject({ ID: volume.ID, State: 'unavailable' })
    expect(existsSync(volume.HostPath)).toBe(false)
    const changed = await create({ ID: volume.ID, Name: 'data', Parameters: { mode: '0755' } })
    expect(changed).toMatchObject({ status: 409 })
    expect(changed.text).toContain('Bring it back, or delete the volume and create another one')
    expect(existsSync(volume.HostPath)).toBe(false)
  })

  it('is changed by a create that names its ID, and keeps its node, its constraints and its time', async () => {
    const constraint = { LTarget: kernelName, RTarget: 'linux', Operand: '=' }
    const { Volume: made } = (
      await create({
        Name: 'data',
        PluginID: 'quota',
        RequestedCapacityMinBytes: 1024,
        Constraints: [constraint],
      })
    ).json
    expect(made).toMatchObject({ CapacityBytes: 1024, Constraints: [constraint] })
    const { Volume: grown } = (await create({ ID: made.ID, Name: 'data', RequestedCapacityMinBytes: 4096 }))
      .json
    expect(grown).toMatchObject({
      ID: made.ID,
      PluginID: 'quota',
      CapacityBytes: 4096,
      Constraints: [constraint],
      CreateTime: made.CreateTime,
      CreateIndex: made.CreateIndex,
    })
    expect(grown.ModifyIndex).toBeGreaterThan(made.ModifyIndex)
    expect(await list()).toHaveLength(1)
  })

  it.each<[string, object, number, string]>([
    ['no name', { Name: '' }, 400, 'volume validation failed: missing name'],
    ['an ID that is none', { Name: 'a', ID: 'x' }, 400, 'volume validation failed: invalid ID "x"'],
    [
      'an ID that is not there',
      { Name: 'a', ID: '00000000-0000-4000-8000-000000000000' },
      404,
      'cannot update volume "00000000-0000-4000-8000-000000000000": volume does not exist',
    ],
    [
      'a maximum below the minimum',
      { Name: 'a', RequestedCapacityMinBytes: 2, RequestedCapacityMaxBytes: 1 },
      400,
      'volume validation failed: capacity_max (1) must be larger than capacity_min (2)',
    ],
    [
      'modes that nobody knows',
      { Name: 'a', RequestedCapabilities: [{ AccessMode: 'x', AttachmentMode: 'y' }] },
      400,
      'volume validation failed: invalid attachment mode: "y", invalid access mode: "x"',
    ],
    [
      'a namespace that is not there',
      { Name: 'a', Namespace: 'no' },
      400,
      'volume validation failed: no such namespace "no"',
    ],
    [
      'a node that is not there',
      { Name: 'a', NodeID: 'other' },
      400,
      'validating volume "a" against state failed: node "other" does not exist',
    ],
    [
      'a constraint that this machine does not meet',
      { Name: 'a', Constraints: [{ LTarget: kernelName, RTarget: 'plan9', Operand: '=' }] },
      422,
      'could not place volume "a": no node meets constraints: 0 nodes had existing volume, 0 nodes filtered by node pool governance, 1 nodes were infeasible',
    ],
    [
      'an operand that compares versions',
      { Name: 'a', Constraints: [{ LTarget: kernelName, RTarget: '1', Operand: 'version' }] },
      400,
      'volume validation failed: invalid constraint: this server knows no operand "version"',
    ],
    ['a plugin that is not there', { Name: 'a', PluginID: '../quota' }, 422, 'could not place volume "a"'],
    [
      'a parameter that mkdir has not',
      { Name: 'a', Parameters: { size: '1' } },
      422,
      'unknown mkdir parameter: "size"',
    ],
  ])('is refused with %s, and nothing is left', async (_title, volume, status, text) => {
    const answer = await create(volume)
    expect(answer.status).toBe(status)
    expect(answer.text).toContain(text)
    expect(await list()).toEqual([])
    const { json } = await server.call('GET', '/v1/agent/health')
    expect(json.server.ok).toBe(true)
  })

  it('has a name that no other volume of the node has', async () => {
    await create({ Name: 'data' })
    expect(await create({ Name: 'data' })).toMatchObject({
      status: 409,
      text: 'volume name already exists on this node',
    })
    expect(await list()).toHaveLength(1)
  })
})

describe('a plugin that is an executable', () => {
  it('gets what belongs to the call, and nothing of the server’s own environment', async () => {
    process.env.MOORING_TEST_PRIVATE = 'private'
    const { Volume: volume } = (
      await create({
        Name: 'data',
        PluginID: 'quota',
        RequestedCapacityMinBytes: 7,
        Parameters: { type: 'ext4' },
      })
    ).json
    await server.call('DELETE', `/v1/volume/host/${volume.ID}`)
    delete process.env.MOORING_TEST_PRIVATE
    const made = readFileSync(join(pluginFolder, 'create.calls'), 'utf8')
    expect(made.split('\n').filter(Boolean)).toEqual([
      'DHV_CAPACITY_MAX_BYTES=0',
      'DHV_CAPACITY_MIN_BYTES=7',
      'DHV_NAMESPACE=default',
      `DHV_NODE_ID=${volume.NodeID}`,
      'DHV_NODE_POOL=default',
      'DHV_OPERATION=create',
      'DHV_PARAMETERS={"type":"ext4"}',
      `DHV_PLUGIN_DIR=${pluginFolder}`,
      `DHV_VOLUMES_DIR=${join(server.dataDirectory, 'host_volumes')}`,
      `DHV_VOLUME_ID=${volume.ID}`,
      'DHV_VOLUME_NAME=data',
    ])
    expect(readFileSync(join(pluginFolder, 'delete.calls'), 'utf8')).toContain(
      `DHV_CREATED_PATH=${volume.HostPath}`,
    )
  })

  it('that fails is quoted, and leaves no volume', async () => {
    writePlugin(
      'broken',
      `if [ "$1" = fingerprint ]; then echo '{"version": "1.0.0"}'; exit 0; fi\necho '{"error": "the array is full"}'; exit 3`,
    )
    writePlugin('silent', `if [ "$1" = fingerprint ]; then echo '{"version": "1.0.0"}'; fi`)
    writePlugin('none', 'exit 1')
    await server.restart()
    const answer = await create({ Name: 'data', PluginID: 'broken' })
    expect(answer.status).toBe(422)
    expect(answer.text).toMatch(/^error creating volume ".+" with plugin "broken": the array is full$/)
    expect((await create({ Name: 'data', PluginID: 'silent' })).text).toContain(
      'is no JSON with what it made',
    )
    expect((await create({ Name: 'data', PluginID: 'none' })).text).toContain('could not place volume')
    expect(await list()).toEqual([])
  })
})

describe('a host volume that is registered', () => {
  it('is the folder that is there, which its end leaves as it is', async () => {
    const folder = join(temporaryDirectory(), 'data')
    mkdirSync(folder)
    const { status, json } = await register({
      Name: 'data',
      NodeID: await nodeID(),
      HostPath: folder,
      CapacityBytes: 5,
    })
    expect(status).toBe(200)
    expect(json.Volume).toMatchObject({ PluginID: '', HostPath: folder, CapacityBytes: 5, State: 'ready' })
    expect((await server.call('DELETE', `/v1/volume/host/${json.Volume.ID}`)).status).toBe(200)
    expect(existsSync(folder)).toBe(true)
  })

  it('needs a node, and a folder that is there', async () => {
    expect((await register({ Name: 'data', HostPath: '/' })).text).toBe(
      'cannot register volume: node ID is required',
    )
    const NodeID = await nodeID()
    expect((await register({ Name: 'data', NodeID })).text).toBe(
      'cannot register volume: host path is required',
    )
    expect(await register({ Name: 'data', NodeID, HostPath: '/nowhere' })).toMatchObject({
      status: 422,
      text: 'could not verify host path for "data": /nowhere is not there',
    })
  })
})

it('a create that a crash cut short is finished under the same ID by the next start', async () => {
  const { Volume: volume } = (await create({ Name: 'data' })).json
  await server.close()
  // As it is after a crash between the plugin's answer and its storing.
  const database = new DatabaseSync(join(server.dataDirectory, 'server.db'))
  const { document } = database.prepare('SELECT document FROM host_volumes').get() as { document: string }
  const {
    id,
    capacityBytes,
    hostPath,
    state,
    createIndex,
    modifyIndex,
    createTimeMs,
    modifyTimeMs,
    ...definition
  } = JSON.parse(document)
  database.prepare('DELETE FROM host_volumes').run()
  database
    .prepare('INSERT INTO host_creates (key, document) VALUES (?, ?)')
    .run(id, JSON.stringify({ id, definition }))
  database.close()
  await server.restart()
  expect((await list())[0]).toMatchObject({ ID: volume.ID, Name: 'data', State: 'ready' })
  expect(readdirSync(join(server.dataDirectory, 'host_volumes'))).toEqual([volume.ID])
})

it('the list pages, filters, blocks, and tells its events', async () => {
  // A prefix is one of IDs too, and no ID begins with an x.
  for (const Name of ['x1', 'x2', 'b1']) await create({ Name })
  expect((await list('&prefix=x')).map(({ Name }: { Name: string }) => Name).sort()).toEqual(['x1', 'x2'])
  expect(await list('&filter=Name%20%3D%3D%20%22b1%22')).toHaveLength(1)
  expect(await list('&node_pool=other')).toEqual([])
  const first = await server.call('GET', '/v1/volumes?type=host&per_page=2')
  expect(first.json).toHaveLength(2)
  const rest = await list(`&per_page=2&next_token=${first.headers.get('x-nomad-nexttoken')}`)
  expect(rest).toHaveLength(1)
  const index = first.headers.get('x-nomad-index')
  const blocked = server.call('GET', `/v1/volumes?type=host&index=${index}&wait=30s`)
  const { Volume: volume } = (await create({ Name: 'c1' })).json
  expect((await blocked).json).toHaveLength(4)
  const stream = await fetch(`${server.url}/v1/event/stream?topic=HostVolume&index=1`)
  let text = ''
  for await (const piece of stream.body ?? []) {
    text += Buffer.from(piece).toString()
    if (text.includes(volume.ID)) break
  }
  const events = text
    .split('\n')
    .filter((line) => line.length > 3)
    .flatMap((line) => JSON.parse(line).Events ?? [])
  expect(events.at(-1)).toMatchObject({
    Topic: 'HostVolume',
    Type: 'HostVolumeRegistered',
    Key: volume.ID,
    Payload: { Volume: { Name: 'c1' } },
  })
})
