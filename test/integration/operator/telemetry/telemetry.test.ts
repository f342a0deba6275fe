import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { expect, it, onTestFinished, vi } from 'vitest'
import { readTelemetrySettings, type TelemetryFlags } from '../../../../src/cli/operator-settings.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import { errorMessage } from '../../../../src/lib/errors.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import { startTelemetry } from '../../../../src/operator/telemetry/telemetry.ts'
import { startFakePlugin } from '../../../fakes/csi-plugin.ts'
import { startHttpServer } from '../../../fakes/http-server.ts'
import { volumeYAML } from '../../../helpers/declarations-yaml.ts'
import { parseMetrics } from '../../../helpers/metrics-text.ts'
import { startMooring } from '../../../helpers/mooring-process.ts'
import { startCollector } from '../../../helpers/otlp-collector.ts'
import { startUp, workplace } from '../../../helpers/start-up.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

const secretValue = 'never-to-be-seen-anywhere'

it('a running operator shows its health and metrics, sends traces and notifications, and no secret in any', async () => {
  const collector = await startCollector()
  const receiver = await startHttpServer(() => ({ status: 204 }))
  onTestFinished(receiver.close)
  const { folder, dataDirectory, write } = workplace()
  const secretFile = join(temporaryDirectory(), 'secret')
  writeFileSync(secretFile, 'shared\n')
  write('data.yaml', volumeYAML('data', { secrets: '{password: {fromEnv: MOORING_SECRET_DATA}}' }))
  write('bad.yaml', 'kind: Volume')
  const flags = ['--metrics-addr', '127.0.0.1:0', '--notify-url', `${receiver.address}/hook-${secretValue}`]
  const mooring = await startUp(folder, dataDirectory, [...flags, '--notify-secret-file', secretFile], {
    MOORING_SECRET_DATA: secretValue,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secretValue}`,
    OTEL_SERVICE_NAME: 'mooring-of-a-test',
    OTEL_SDK_DISABLED: 'false',
    OTEL_TRACES_EXPORTER: 'otlp',
  })
  const { url } = await mooring.logged(({ msg }) => msg === 'metrics listen', 'metrics')
  const get = (path: string) => fetch(new URL(path, String(url)))
  await mooring.status('Volume/default/data', 'ready')

  for (const path of ['/healthz', '/readyz']) {
    const answer = await get(path)
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, 'ok\n'])
  }
  expect((await get('/other')).status).toBe(404)
  expect((await fetch(String(url), { method: 'POST' })).status).toBe(405)

  const answer = await get('/metrics')
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/)
  const text = await answer.text()
  const { samples } = parseMetrics(text)
  expect(samples.get('mooring_objects{kind="Volume",condition="Ready",reason="AsDeclared"}')).toBe(1)
  expect(samples.get('mooring_steps_total{step="create-volume",outcome="done"}')).toBe(1)
  expect(samples.get('mooring_nomad_call_duration_seconds_count{operation="create_volume",code="200"}')).toBe(
    1,
  )
  const labels = 'driver_name="directories",method_name="/csi.v1.Controller/CreateVolume"'
  expect(samples.get(`csi_sidecar_operations_seconds_count{${labels},grpc_status_code="OK"}`)).toBe(1)
  expect(samples.get(`csi_sidecar_operations_seconds_bucket{le="600",${labels},grpc_status_code="OK"}`)).toBe(
    1,
  )
  expect(samples.get(`mooring_source_problems{source="${folder}"}`)).toBe(1)
  expect(samples.get(`mooring_source_complete{source="${folder}"}`)).toBe(0)
  expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0)

  // Destroyed behind the operator's back: only a person can go on.
  await fetch(`${mooring.url}/v1/volume/csi/data/delete`, { method: 'DELETE' })
  await mooring.status('Volume/default/data', 'stalled', 'Vanished')
  await vi.waitFor(() => expect(receiver.requests).toHaveLength(1), { timeout: 10_000 })
  const [notification] = receiver.requests
  expect(JSON.parse(notification?.body ?? '')).toMatchObject({
    event: 'Stalled',
    object: { kind: 'Volume', namespace: 'default', name: 'data' },
    reason: 'Vanished',
  })
  expect(notification?.headers['x-hub-signature-256']).toBe(
    `sha256=${createHmac('sha256', 'shared')
      .update(notification?.body ?? '')
      .digest('hex')}`,
  )
  await mooring.stop()

  // What had not been sent yet was sent at the end.
  const { spans } = collector
  const byID = new Map(spans.map((span) => [span.spanID, span]))
  const create = spans.find(({ name }) => name === 'nomad create_volume')
  const step = byID.get(create?.parentID ?? '')
  const pass = byID.get(step?.parentID ?? '')
  expect(create?.attributes).toMatchObject({
    'http.request.method': 'PUT',
    'mooring.operation': 'create_volume',
  })
  expect(Number(create?.attributes['http.response.status_code'])).toBe(200)
  expect(step).toMatchObject({ name: 'step create-volume', attributes: { 'mooring.step': 'create-volume' } })
  expect(pass).toMatchObject({
    name: 'reconcile Volume',
    parentID: '',
    service: 'mooring-of-a-test',
    attributes: {
      'mooring.key': 'Volume/default/data',
      'mooring.kind': 'Volume',
      'mooring.outcome': 'done',
    },
  })
  expect(new Set([create?.traceID, step?.traceID, pass?.traceID]).size).toBe(1)
  expect(spans.filter(({ name }) => name.includes('watch_'))).toEqual([])
  expect(spans.every(({ name, parentID }) => parentID !== '' || name.startsWith('reconcile'))).toBe(true)

  const seen = [text, JSON.stringify(mooring.log), mooring.complaints, ...collector.bodies.map(String)]
  expect([...seen, notification?.body].join('\n')).not.toContain(secretValue)
})

it('what is wrong with the flags is said, and no URL is repeated', async () => {
  const start = async (flags: TelemetryFlags) =>
    startTelemetry({
      settings: readTelemetrySettings(flags),
      clock: systemClock,
      log: silentLog,
      isReplica: false,
    })
  const empty = join(temporaryDirectory(), 'empty')
  writeFileSync(empty, '\n')
  const notifyUrl = `http://host/${secretValue}`
  await expect(start({ notifySecretFile: empty })).rejects.toThrow(/no --notify-url is given: give both/)
  await expect(start({ notifyUrl, notifySecretFile: empty })).rejects.toThrow(/is empty/)
  await expect(start({ notifyUrl, notifySecretFile: '/none' })).rejects.toThrow(
    /the file of --notify-secret-file cannot be read: ENOENT/,
  )
  await expect(start({ metricsAddr: { host: '192.0.2.1', port: 1 } })).rejects.toThrow(
    /--metrics-addr: .*EADDRNOTAVAIL/,
  )
  const wrong = await start({ notifyUrl: `ftp://host/${secretValue}` }).catch(errorMessage)
  expect(wrong).toBe(
    '--notify-url is not a URL that begins with http:// or https://: write one such as https://host/path',
  )
})

it('is alive and not ready while Nomad does not answer', async () => {
  const folder = temporaryDirectory()
  const mooring = startMooring([
    ...['run', '--source', folder, '--data-dir', join(folder, '.data')],
    ...['--nomad-addr', 'http://127.0.0.1:1', '--metrics-addr', '127.0.0.1:0'],
  ])
  const { url } = await mooring.logged(({ msg }) => msg === 'metrics listen', 'metrics')
  const get = (path: string) => fetch(new URL(path, String(url)))
  await vi.waitFor(async () => {
    const answer = await get('/readyz')
    expect([answer.status, await answer.text()]).toEqual([503, 'Nomad has not answered yet\n'])
  })
  expect((await get('/healthz')).status).toBe(200)
  mooring.signal('SIGTERM')
  expect(await mooring.exited()).toBe(0)
})

it('a server shows its health and the calls of its plugins, by the codes that the sidecars count them by', async () => {
  const plugin = await startFakePlugin()
  onTestFinished(plugin.dispose)
  plugin.failNext('CreateVolume', { code: status.DEADLINE_EXCEEDED, details: 'slow' })
  const server = startMooring([
    ...['server', '--http', '127.0.0.1:0', '--data-dir', temporaryDirectory()],
    ...['--plugin', `disk=${plugin.endpoint}`, '--metrics-addr', '127.0.0.1:0'],
  ])
  const { metrics } = await server.logged((line) => line.msg === 'metrics listen', 'metrics')
  const { url } = await server.logged((line) => typeof line.url === 'string', 'the API listens')
  await vi.waitFor(async () => {
    expect((await fetch(new URL('/readyz', String(metrics)))).status).toBe(200)
  })
  const capability = { AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }
  const volume = { ID: 'data', Name: 'data', PluginID: 'disk', RequestedCapabilities: [capability] }
  await fetch(`${url}/v1/volume/csi/data/create`, {
    method: 'PUT',
    body: JSON.stringify({ Volumes: [volume] }),
  })
  const text = await (await fetch(String(metrics))).text()
  expect(text).toContain('mooring_build_info{')
  expect(text).toMatch(/^mooring_event_loop_delay_seconds\{quantile="0.999"\} \d/m)
  const { samples } = parseMetrics(text)
  const created = 'driver_name="disk",method_name="/csi.v1.Controller/CreateVolume"'
  expect(
    samples.get(`csi_sidecar_operations_seconds_count{${created},grpc_status_code="DeadlineExceeded"}`),
  ).toBeGreaterThan(0)
  server.signal('SIGTERM')
  expect(await server.exited()).toBe(0)
})
