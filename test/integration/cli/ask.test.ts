import { existsSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { bashCompletion } from '../../helpers/bash-completion.ts'
import { volumeYAML } from '../../helpers/declarations-yaml.ts'
import { startMooring } from '../../helpers/mooring-process.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { startUp, workplace } from '../../helpers/start-up.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** Runs a command on the data directory; its output, where it ended well. */
async function ask(dataDirectory: string, ...parameters: string[]): Promise<string> {
  const { status, stdout, stderr } = await runMooring([...parameters, '--data-dir', dataDirectory])
  expect(stderr.replace(/^No operator runs on .*; this is what the last one recorded\.\n/, '')).toBe('')
  expect(status).toBe(0)
  return stdout
}

async function refused(dataDirectory: string, ...parameters: string[]): Promise<string> {
  const { status, stderr } = await runMooring([...parameters, '--data-dir', dataDirectory])
  expect(status).toBe(1)
  return stderr
}

describe('commands that ask a running operator', () => {
  it('reach it over a socket that is for its user alone', async () => {
    const { folder, dataDirectory } = workplace()
    const mooring = await startUp(folder, dataDirectory)
    const socket = join(dataDirectory, 'operator', 'admin.sock')
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    await mooring.stop()
    expect(existsSync(socket)).toBe(false)
  })

  it('find it where the path of the data directory is too long for a socket, after a kill too', async () => {
    const { folder, write } = workplace()
    const dataDirectory = join(temporaryDirectory(), 'd'.repeat(120))
    write('data.yaml', volumeYAML('data'))
    const first = await startUp(folder, dataDirectory)
    first.signal('SIGKILL')
    await first.exited()
    const second = await startUp(folder, dataDirectory)
    await second.status('Volume/default/data', 'ready')
    expect(JSON.parse(await ask(dataDirectory, 'status', '-o', 'json')).operator.readOnly).toBe(false)
    await second.stop()
  })

  it('status shows a row for each declaration, mistake and refusal', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', volumeYAML('data', { capacity: '{min: 1Gi}' }))
    write('again.yaml', volumeYAML('data', { deletionPolicy: 'Delete' }))
    write('broken.yaml', 'kind: Volume')
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/data', 'ready')

    const table = await ask(dataDirectory, 'status')
    expect(table).toMatch(/^KIND +NAME +PLUGIN +STATE +REASON +EXTERNAL ID +SIZE$/m)
    expect(table).toMatch(/^Volume +default\/data +directories +Ready +AsDeclared +data-[0-9a-f]{10} +1Gi$/m)
    expect(table).toMatch(/OwnedElsewhere/)
    expect(table).toMatch(/broken\.yaml:1:1: apiVersion: is missing/)
    expect(await ask(dataDirectory, 'status', '-o', 'wide')).toMatch(
      /AsDeclared +data-\S+ +1Gi +the volume is as declared$/m,
    )
    expect(await ask(dataDirectory, 'status', '-o', 'yaml')).toMatch(/^ {4}state: Refused$/m)
    const { rows, operator } = JSON.parse(await ask(dataDirectory, 'status', '-o', 'json'))
    expect(rows).toHaveLength(3)
    expect(operator).toMatchObject({ sources: [folder], nomadAddr: mooring.url })
    await mooring.stop()
  })

  it('status --watch prints again as something changes, and ends with the operator', async () => {
    const { folder, dataDirectory, write } = workplace()
    const mooring = await startUp(folder, dataDirectory)
    const watch = startMooring(['status', '--watch', '--data-dir', dataDirectory])
    await watch.printed(/^KIND/)
    write('data.yaml', volumeYAML('data'))
    await watch.printed(/^Volume +default\/data .*Ready/)
    await mooring.stop()
    expect(await watch.exited()).toBe(1)
    await watch.printed(/the operator has ended/)
  })

  it('get and describe tell of one declaration: its spec, its status and its history', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', volumeYAML('data', { capacity: '{min: 1Gi}' }))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/data', 'ready')
    write('data.yaml', volumeYAML('data', { capacity: '{min: 2Gi}' }))
    await vi.waitFor(async () => expect((await mooring.read('data'))?.Capacity).toBe(2 * 1024 ** 3))
    await mooring.status('Volume/default/data', 'ready')

    expect(await ask(dataDirectory, 'get', 'volumes')).toMatch(/default\/data/)
    const object = JSON.parse(await ask(dataDirectory, 'get', 'volume', 'data', '-o', 'json'))
    expect(object).toMatchObject({
      apiVersion: 'mooring.dev/v1alpha1',
      kind: 'Volume',
      metadata: { name: 'data' },
      spec: { capacity: { min: '2Gi' }, deletionPolicy: 'Retain' },
      status: { key: 'Volume/default/data', capacity: '2Gi', claims: [] },
    })
    expect(object.status.history.map(({ step }: { step: string }) => step)).toEqual([
      'expand-volume',
      'adopt-volume',
      'create-volume',
    ])
    expect(await ask(dataDirectory, 'get', 'volumes', '-o', 'yaml')).toMatch(/^kind: VolumeList$/m)

    const text = await ask(dataDirectory, 'describe', 'volume', 'data')
    expect(text).toMatch(/^Volume default\/data \(data\)\nAsDeclared since /)
    expect(text).toMatch(/place: .*data\.yaml:1:1/)
    expect(text).toMatch(/expand-volume {2}done\n {4}growing from 1Gi to at least 2Gi/)
    expect(await refused(dataDirectory, 'get', 'volume', 'other')).toMatch(/neither declared nor managed/)
    const { status, stderr } = await runMooring(['get', 'disk', '--data-dir', dataDirectory])
    expect(stderr).toMatch(/"disk" is not a kind/)
    expect(status).toBe(2)
    await mooring.stop()

    expect(await ask(dataDirectory, 'describe', 'volume', 'data')).toMatch(/expand-volume {2}done/)
  })

  it('completion in bash offers the names of declarations', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('set.yaml', volumeYAML('set', { perAlloc: '{count: 2}' }))
    write('other.yaml', volumeYAML('other', { namespace: 'prod' }))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/set[0]', 'ready')
    const complete = await bashCompletion()
    const flags = `--data-dir ${dataDirectory}`
    expect(complete(`mooring get volume ${flags} volume `).sort()).toEqual([
      'prod/other',
      'set\\[0\\]',
      'set\\[1\\]',
    ])
    expect(complete(`mooring describe ${flags} s`)).toEqual([
      'snapshot',
      'schedule',
      'set\\[0\\]',
      'set\\[1\\]',
    ])
    await mooring.stop()
  })

  it('say what to do where there never was an operator', async () => {
    expect(await refused(temporaryDirectory(), 'status')).toMatch(/no operator runs on .* --data-dir/)
  })
})

describe('commands that order', () => {
  it('suspend and resume hold a declaration and let it go on, over restarts', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', volumeYAML('data', { capacity: '{min: 1Gi}' }))
    const first = await startUp(folder, dataDirectory)
    await first.status('Volume/default/data', 'ready')
    await ask(dataDirectory, 'suspend', 'volume', 'data')
    const held = await first.status('Volume/default/data', 'suspended', 'Suspended')
    expect(held.why).toContain('mooring resume')
    await first.stop()

    write('data.yaml', volumeYAML('data', { capacity: '{min: 2Gi}' }))
    const second = await startUp(folder, dataDirectory)
    await second.status('Volume/default/data', 'suspended')
    expect(second.writes()).toEqual([])
    await ask(dataDirectory, 'resume', 'volume', 'data')
    await vi.waitFor(async () => expect((await second.read('data'))?.Capacity).toBe(2 * 1024 ** 3))
    expect(await refused(dataDirectory, 'resume', 'volume', 'data')).toMatch(/is not suspended/)
    expect(await refused(dataDirectory, 'suspend', 'volume', 'other')).toMatch(/neither declared nor managed/)
    await second.stop()

    await ask(dataDirectory, 'suspend', 'volume', 'data')
    expect(await ask(dataDirectory, 'get', 'volume', 'data', '-o', 'yaml')).toMatch(/suspendedSince/)
    const { username } = userInfo()
    const described = await ask(dataDirectory, 'describe', 'volume', 'data')
    const orders = [...described.matchAll(/^ {2}\S+ {2}(\w+) {2}by (.+)$/gm)].map(([, ...found]) => found)
    expect(orders.map(([order]) => order)).toEqual(['suspend', 'resume', 'suspend'])
    expect(orders[0]?.[1]).toMatch(new RegExp(`${username} \\(command\\)$`))
    expect(orders[1]?.[1]).toMatch(new RegExp(`${username} \\(admin socket\\)$`))
  })

  it('recreate gives a vanished volume a new external volume under another name, and nothing else', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', volumeYAML('data'))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/data', 'ready')
    const [lost = ''] = mooring.directories()
    expect(await refused(dataDirectory, 'recreate', 'data', '--lost', lost)).toMatch(/has not vanished/)

    await fetch(`${mooring.url}/v1/volume/csi/data/delete`, { method: 'DELETE' })
    await mooring.status('Volume/default/data', 'stalled', 'Vanished')
    expect(await refused(dataDirectory, 'recreate', 'data', '--lost', 'other')).toMatch(/is "data-/)
    expect((await runMooring(['recreate', 'data'])).stderr).toMatch(/--lost/)
    await ask(dataDirectory, 'recreate', 'data', '--lost', lost)
    await mooring.status('Volume/default/data', 'ready')
    expect(mooring.directories()).toEqual([`${lost}-r1`])
    const { status } = JSON.parse(await ask(dataDirectory, 'get', 'volume', 'data', '-o', 'json'))
    expect(status).toMatchObject({ incarnation: 1, csiName: `${lost}-r1` })
    await mooring.stop()
  })
})

describe('mooring run --read-only', () => {
  it('observes, plans and reports, and writes nothing, neither to Nomad nor to the inventory', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', volumeYAML('data'))
    const server = await startUp(folder, dataDirectory)
    await server.status('Volume/default/data', 'ready')
    const writes = server.writes().length

    const readOnlyData = temporaryDirectory()
    const reader = startMooring([
      ...['run', '--read-only', '--source', folder, '--nomad-addr', server.url],
      ...['--data-dir', readOnlyData],
    ])
    const step = await reader.logged((line) => line.msg === 'would take a step', 'the plan')
    expect(step).toMatchObject({ key: 'Volume/default/data', step: 'adopt-volume' })
    expect(await ask(readOnlyData, 'status')).toMatch(/default\/data .*ReadOnly/)
    expect(await refused(readOnlyData, 'suspend', 'volume', 'data')).toMatch(/--read-only/)
    reader.signal('SIGTERM')
    expect(await reader.exited()).toBe(0)
    expect(await ask(readOnlyData, 'status')).not.toMatch(/default\/data/)
    expect(server.writes()).toHaveLength(writes)
    await server.stop()
  })
})
