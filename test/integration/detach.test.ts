import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { silentLog } from '../../src/lib/log.ts'
import { startServer } from '../../src/server/server.ts'
import { startTestServer } from '../fakes/api-server.ts'
import { startHttpServer } from '../fakes/http-server.ts'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { parseMetrics } from '../helpers/metrics-text.ts'
import { type MooringProcess, startMooring } from '../helpers/mooring-process.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { workplace } from '../helpers/start-up.ts'
import { mountCapability, runDriver } from '../support/driver.ts'

/** Commands are processes, which take as long as the machine does. */
const slow = { timeout: 30_000, interval: 200 }

/** Of the plugin that a test server has. */
const onDisk = (fields: Readonly<Record<string, string>>) =>
  volumeYAML('data', fields).replace('pluginID: directories', 'pluginID: disk')

/** The operator alone, over a server that runs elsewhere. */
function startOperator(url: string, folder: string, dataDirectory: string): MooringProcess {
  return startMooring(['run', '--source', folder, '--data-dir', dataDirectory, '--nomad-addr', url])
}

const verdict = (operator: MooringProcess, state: string, reason?: string) =>
  vi.waitFor(() => {
    const last = operator.log.findLast((line) => line.msg === 'status' && line.key === 'Volume/default/data')
    expect(last).toMatchObject({ state, ...(reason === undefined ? {} : { reason }) })
    return last ?? {}
  }, slow)

async function stop(operator: MooringProcess) {
  operator.signal('SIGTERM')
  expect(await operator.exited()).toBe(0)
}

describe('detach, with processes', () => {
  it('takes a volume off a node by the word of a person, where its server lost the mount', async () => {
    const { folder, dataDirectory, write } = workplace()
    const mounts = join(dataDirectory, 'mounts')
    const endpoint = `unix://${join(folder, '..', 'csi.sock')}`
    const driver = startMooring([
      ...['driver', '--endpoint', endpoint, '--pool', join(folder, '..', 'pool'), '--publish', 'symlink'],
    ])
    await driver.logged((line) => line.msg === 'driver listening' || line.endpoint !== undefined, 'listens')
    const serve = async (http: string) => {
      const server = startMooring([
        ...['server', '--http', http, '--data-dir', join(dataDirectory, 'server')],
        ...['--plugin', `directories=${endpoint}`, '--mount-root', mounts],
      ])
      const { url } = await server.logged((line) => typeof line.url === 'string', 'it listens')
      return { ...server, url: String(url) }
    }
    const server = await serve('127.0.0.1:0')
    write('data.yaml', volumeYAML('data', { detach: '{policy: Stale}' }))
    const target = join(mounts, 'data')
    const act = (...parameters: string[]) => runMooring([...parameters, '--data-dir', dataDirectory])
    const objectOf = async () => JSON.parse((await act('get', 'volume', 'data', '-o', 'json')).stdout)

    const first = startOperator(server.url, folder, dataDirectory)
    await verdict(first, 'ready')
    const mounted = await runMooring(['mount', 'data', target, '--nomad-addr', server.url])
    expect(mounted).toMatchObject({ status: 0, stderr: '' })
    const attached = await vi.waitFor(async () => {
      const { attachedNodes } = (await objectOf()).status
      expect(attachedNodes).toHaveLength(1)
      return attachedNodes as [string]
    }, slow)
    const node = attached[0].slice(0, 8)
    const refused = await act('detach', 'data', '--node-is-dead', node)
    expect(refused.stderr).toMatch(/Nomad counts allocation .* on that node as living/)
    expect((await act('detach', 'data', '--node-is-dead', 'ffff')).stderr).toMatch(
      /it is not attached to node "ffff", as far as Mooring knows: it is attached to /,
    )
    await stop(first)

    // As after a power cut: the mount is gone, and nobody undid it.
    server.signal('SIGKILL')
    await server.exited()
    rmSync(target)
    const again = await serve(new URL(server.url).host)
    const second = startOperator(again.url, folder, dataDirectory)
    const held = await verdict(second, 'stalled', 'DetachNeedsWord')
    expect(held.why).toContain('is lost')
    expect(held.why).toContain(`mooring detach default/data --node-is-dead ${attached[0]}`)

    expect(await act('detach', 'data', '--node-is-dead', node)).toMatchObject({ status: 0 })
    await verdict(second, 'ready')
    const { status } = await objectOf()
    expect(status).toMatchObject({ claims: [], attachedNodes: [] })
    const [, detached] = status.history
    expect(detached).toMatchObject({ step: 'detach-node', outcome: 'done' })
    expect(detached.why).toMatch(/a person confirmed at .* that the node is dead$/)
    expect(existsSync(target)).toBe(false)
    await stop(second)
  })

  it('frees by itself a claim that its own client reported as failed', async () => {
    const { folder, dataDirectory, write } = workplace()
    const server = await startTestServer({ mountRoot: join(dataDirectory, 'mounts') })
    onTestFinished(server.dispose)
    write('data.yaml', onDisk({ detach: '{policy: Stale}' }))
    const operator = startOperator(server.url, folder, dataDirectory)
    await verdict(operator, 'ready')
    server.plugin.failNext('NodePublishVolume', { code: status.INTERNAL, details: 'half done' })
    server.plugin.failNext('NodeUnpublishVolume', { code: status.INTERNAL, details: 'stuck' })
    const target = join(dataDirectory, 'mounts', 'data')
    const claimed = await server.call('PUT', '/v1/volume/csi/data/claim', { TargetPath: target })
    expect(claimed.status).toBe(502)

    await operator.logged((line) => line.step === 'detach-node', 'the node is detached')
    await vi.waitFor(
      async () => expect((await server.call('GET', '/v1/volume/csi/data')).json.WriteAllocs).toEqual({}),
      slow,
    )
    const step = operator.log.find((line) => line.step === 'detach-node')
    expect(step?.why).toMatch(/allocation \S+ is failed and node \S+ is ready$/)
    await verdict(operator, 'ready')
    await stop(operator)
  })
})

describe('detach at the plugin itself, with processes', () => {
  it('takes an attachment off at the plugin itself, where the endpoint of Nomad fails', async () => {
    const { folder, dataDirectory, write } = workplace()
    const driver = await runDriver(join(folder, '..'), { publish: 'symlink' })
    onTestFinished(driver.close)
    const server = await startServer({
      http: { host: '127.0.0.1', port: 0 },
      dataDirectory: join(dataDirectory, 'server'),
      plugins: [{ id: 'directories', endpoint: driver.endpoint }],
      log: silentLog,
    })
    onTestFinished(server.close)
    const [node] = (await (await fetch(`${server.url}/v1/nodes`)).json()) as [{ ID: string }]
    const nomad = await withoutDetach(server.url)
    write('data.yaml', volumeYAML('data', { detach: `{nodes: [${node.ID}]}` }))
    const operator = startMooring([
      ...['run', '--source', folder, '--data-dir', dataDirectory, '--nomad-addr', nomad.address],
      ...['--csi-endpoint', `directories=${driver.endpoint}`, '--metrics-addr', '127.0.0.1:0'],
      ...['--resync', '1s'],
    ])
    await verdict(operator, 'ready')
    const { url } = await operator.logged(({ msg }) => msg === 'metrics listen', 'metrics')
    const [external] = await driver.client.listAllVolumes({})
    const volumeId = external?.volume?.volumeId ?? ''
    // As a forced deregister leaves it: attached at the provider, and nobody claims it.
    await driver.client.controllerPublishVolume({
      ...{ volumeId, nodeId: 'node-1', readonly: false, volumeCapability: mountCapability },
    })
    const step = await operator.logged((line) => line.step === 'detach-node', 'it is detached')
    expect(step.why).toBe(
      `detaching node ${node.ID}: no allocation claims it there and node ${node.ID} is ready`,
    )
    await vi.waitFor(async () => {
      const { status: found } = await driver.client.controllerGetVolume({ volumeId })
      expect(found?.publishedNodeIds).toEqual([])
    }, slow)
    expect(nomad.requests.filter(({ path }) => path.endsWith('/detach'))).toHaveLength(1)
    const labels = 'driver_name="directories",method_name="/csi.v1.Controller/ControllerUnpublishVolume"'
    // The driver shows it before its answer is here.
    await vi.waitFor(async () => {
      const { samples } = parseMetrics(await (await fetch(String(url))).text())
      expect(samples.get(`csi_sidecar_operations_seconds_count{${labels},grpc_status_code="OK"}`)).toBe(1)
    }, slow)
    await stop(operator)
  })
})

/** The server behind an endpoint that fails as Nomad's does (reference, 2.8). */
async function withoutDetach(url: string) {
  const proxy = await startHttpServer(async ({ method, path, query, headers, body }) => {
    if (path.endsWith('/detach')) return { status: 500, body: 'rpc error: Unknown allocation: ""' }
    const answer = await fetch(`${url}${path}${query.size === 0 ? '' : `?${query}`}`, {
      method,
      headers: Object.fromEntries(
        Object.entries(headers).filter(([name]) => !['host', 'connection', 'content-length'].includes(name)),
      ) as Record<string, string>,
      ...(body === '' ? {} : { body }),
    }).catch(() => undefined)
    if (answer === undefined) return { status: 500, body: 'EOF' }
    const index = answer.headers.get('x-nomad-index')
    return {
      status: answer.status,
      headers: {
        'content-type': answer.headers.get('content-type') ?? '',
        ...(index === null ? {} : { 'x-nomad-index': index }),
      },
      body: await answer.text(),
    }
  })
  onTestFinished(proxy.close)
  return proxy
}

describe('perAlloc, with processes', () => {
  it('scales down and up again with the same volumes, each with its row, and shows them together', async () => {
    const { folder, dataDirectory } = workplace()
    const server = await startTestServer()
    onTestFinished(server.dispose)
    const write = (count: number) =>
      writeFileSync(
        join(folder, 'data.yaml'),
        onDisk({ perAlloc: `{count: ${count}, whenScaled: Deregister}` }),
      )
    write(3)
    const operator = startMooring([
      ...['run', '--source', folder, '--data-dir', dataDirectory, '--nomad-addr', server.url],
      ...['--prune-delay', '200ms', '--max-prune', '3'],
    ])
    const list = async () =>
      (await server.call('GET', '/v1/volumes?type=csi')).json as { ID: string; ExternalID: string }[]
    const untilThere = (count: number) =>
      vi.waitFor(async () => {
        const found = await list()
        expect(found).toHaveLength(count)
        return found
      }, slow)
    const before = await untilThere(3)
    expect(before.map(({ ID }) => ID).sort()).toEqual(['data[0]', 'data[1]', 'data[2]'])
    const ask = async (...parameters: string[]) =>
      (await runMooring([...parameters, '--data-dir', dataDirectory])).stdout
    await vi.waitFor(async () => {
      const { status } = JSON.parse(await ask('get', 'volume', 'data', '-o', 'json'))
      expect(status.instances).toMatchObject(
        [0, 1, 2].map((n) => ({ volumeID: `data[${n}]`, ready: 'True' })),
      )
    }, slow)
    expect((await ask('status')).match(/^Volume +default\/data\[\d\] /gm)).toHaveLength(3)
    expect((await ask('get', 'volume', 'data')).match(/^Volume /gm)).toHaveLength(3)

    const refused = async (...parameters: string[]) =>
      (await runMooring([...parameters, '--data-dir', dataDirectory])).stderr
    expect(await ask('suspend', 'volume', 'data')).toContain('Volume/default/data is suspended')
    const held = (line: { key?: unknown; state?: unknown }) =>
      line.key === 'Volume/default/data[2]' && line.state === 'suspended'
    await operator.logged(held, 'each is held')
    expect(await refused('resume', 'volume', 'data[1]')).toMatch(
      /suspended with all volumes of its declaration: resume them by mooring resume Volume\/default\/data/,
    )
    expect(await ask('get', 'volume', 'data', '-o', 'yaml')).toMatch(/suspendedSince/)
    expect(await ask('resume', 'volume', 'data')).toContain('Volume/default/data is resumed')
    expect(await refused('resume', 'volume', 'data')).toMatch(/is not suspended/)

    write(1)
    await untilThere(1)
    await operator.logged(
      (line) => line.msg === 'no longer managed' && line.key === 'Volume/default/data[2]',
      'it ends',
    )
    write(3)
    const after = await untilThere(3)
    const byID = (one: { ID: string }, other: { ID: string }) => (one.ID < other.ID ? -1 : 1)
    expect(after.map(({ ID, ExternalID }) => ({ ID, ExternalID })).sort(byID)).toEqual(
      before.map(({ ID, ExternalID }) => ({ ID, ExternalID })).sort(byID),
    )
    expect(server.plugin.calls.filter(({ rpc }) => rpc === 'CreateVolume')).toHaveLength(3)
    await stop(operator)
  })
})
