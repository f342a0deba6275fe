import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { volumeYAML } from '../helpers/declarations-yaml.ts'
import { startMooring } from '../helpers/mooring-process.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { settableDate } from '../helpers/settable-date.ts'
import { namesIn, workplace } from '../helpers/start-up.ts'

const dayMs = 86_400_000
/** Commands are processes, which take as long as the machine does. */
const slow = { timeout: 60_000, interval: 200 }
const key = 'SnapshotSchedule/default/yearly'

const yearly = `apiVersion: mooring.dev/v1alpha1
kind: SnapshotSchedule
metadata: {name: yearly}
spec:
  schedule: "0 3 29 2 *"
  volumes: {names: [data]}
  retention: {maxAge: 30d}
`

/** A driver, a server and an operator, each a process, on a machine whose date the test sets. */
async function startMachine() {
  const { folder, dataDirectory, write } = workplace()
  const { set: setDate, environment } = settableDate()
  write('data.yaml', volumeYAML('data', { deletionPolicy: 'Delete' }))
  write('yearly.yaml', yearly)
  const pool = join(dataDirectory, '..', 'pool')
  const endpoint = `unix://${join(dataDirectory, '..', 'csi.sock')}`
  const driver = startMooring(['driver', '--endpoint', endpoint, '--pool', pool], environment)
  await driver.logged((line) => line.endpoint !== undefined, 'the driver listens')
  const server = startMooring(
    [
      ...['server', '--http', '127.0.0.1:0', '--data-dir', join(dataDirectory, 'server')],
      ...['--plugin', `directories=${endpoint}`],
    ],
    environment,
  )
  const { url } = await server.logged((line) => typeof line.url === 'string', 'the server listens')
  const operator = startMooring(
    [
      ...['run', '--source', folder, '--data-dir', dataDirectory, '--nomad-addr', String(url)],
      ...['--rescan', '500ms', '--resync', '1s', '--prune', '--prune-delay', '1h'],
    ],
    environment,
  )
  return {
    operator,
    setDate,
    write,
    act: (...parameters: string[]) => runMooring([...parameters, '--data-dir', dataDirectory]),
    snapshots: () => namesIn(join(pool, 'snapshots')),
    volumes: () => namesIn(join(pool, 'volumes')),
    status: (of: string, state: string, reason: string) =>
      vi.waitFor(() => {
        const last = operator.log.findLast((line) => line.msg === 'status' && line.key === of)
        expect(last).toMatchObject({ state, reason })
        return last ?? {}
      }, slow),
    async stop() {
      for (const process of [operator, server, driver]) {
        process.signal('SIGTERM')
        expect(await process.exited()).toBe(0)
      }
    },
  }
}

it('a date that leaps a year ahead and back ends nothing and expires nothing, and says so meanwhile', {
  timeout: 180_000,
}, async () => {
  const machine = await startMachine()
  const { setDate, act, snapshots, volumes, status } = machine
  await status('Volume/default/data', 'ready', 'AsDeclared')
  await status(key, 'ready', 'Scheduled')
  for (let taken = 1; taken <= 2; taken += 1) {
    // The names hold whole seconds, so the second may be there already.
    await vi.waitFor(async () => {
      expect((await act('snapshot', 'now', 'yearly')).stdout).toContain('begun')
    }, slow)
    await vi.waitFor(() => expect(snapshots()).toHaveLength(taken), slow)
  }

  setDate(365 * dayMs)
  const leapt = await status(key, 'stalled', 'ClockLeapt')
  expect(leapt.why).toContain('the date has moved 365 days further than the time that passed')
  expect((await act('status')).stdout).toContain('ClockLeapt')
  expect((await act('snapshot', 'now', 'yearly')).stderr).toContain('set the clock')
  expect(snapshots()).toHaveLength(2)

  setDate(0)
  await status(key, 'ready', 'Scheduled')
  setDate(-365 * dayMs)
  await status(key, 'stalled', 'ClockLeapt')
  setDate(0)
  await status(key, 'ready', 'Scheduled')
  expect(snapshots()).toHaveLength(2)
  expect(volumes()).toHaveLength(1)

  // The machine really was off for forty days: a person says so, and what is old expires but the newest.
  setDate(40 * dayMs)
  await status(key, 'stalled', 'ClockLeapt')
  expect((await act('snapshot', 'trust-clock', 'yearly')).stdout).toContain('for the right date')
  await vi.waitFor(() => expect(snapshots()).toHaveLength(1), slow)
  await status(key, 'ready', 'Scheduled')
  await machine.stop()
})
