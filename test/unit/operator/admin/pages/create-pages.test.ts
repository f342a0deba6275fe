import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createActivityLogs } from '../../../../../src/operator/admin/pages/activity-log.ts'
import type { ClusterView } from '../../../../../src/operator/admin/pages/cluster-view.ts'
import { createPages, NotNow } from '../../../../../src/operator/admin/pages/pages.ts'
import { clusterView, conditionsOf } from '../../../../builders/cluster-view.ts'
import { volume } from '../../../../builders/declarations.ts'
import { volumeRecord } from '../../../../builders/records.ts'
import { adjustableClock } from '../../../../helpers/adjustable-clock.ts'
import { temporaryDirectory } from '../../../../helpers/temporary-directory.ts'

const record = (state: 'Ready' | 'Stalled') =>
  volumeRecord(volume('data'), { status: { conditions: conditionsOf(state) } })

function pages(views: () => readonly ClusterView[] | undefined) {
  const clock = adjustableClock()
  const made = createPages({
    views,
    standsBy: () => 'this replica stands by while the other leads: ask there',
    operator: async () => ({ version: '0', readOnly: false, startTime: '2026-01-02T03:04:05Z' }),
    activity: createActivityLogs({ clock, onError: () => {} }),
    readText: async () => undefined,
    plan: () => Promise.reject(new Error('not asked here')),
    clock,
  })
  return { clock, pages: made }
}

describe('the answers', () => {
  it('are the same for all who ask until something changed, and are of now where nobody listens', async () => {
    const view = clusterView({ records: [record('Ready')] })
    const { pages: it } = pages(() => [view])
    const before = await it.overview()
    expect(await it.overview()).toBe(before)
    await view.change(record('Stalled'))
    expect((await it.overview()).counts).toMatchObject({ Ready: 0, Stalled: 1 })
  })

  it('are made anew at most once for each time that the listeners are told', async () => {
    const view = clusterView({ records: [record('Ready')] })
    const { pages: it } = pages(() => [view])
    it.told(true)
    const before = await it.overview()
    await view.change(record('Stalled'))
    expect(await it.overview()).toBe(before)
    it.told(true)
    expect((await it.overview()).counts.Stalled).toBe(1)
    await view.change(record('Ready'))
    it.told(false)
    expect((await it.overview()).counts.Stalled).toBe(0)
  })

  it('are none while this replica stands by, and listeners hear when that changes', async () => {
    let views: ClusterView[] | undefined
    const { pages: it } = pages(() => views)
    const heard: unknown[] = []
    it.onChange(({ topics }) => heard.push(topics))
    await expect(it.overview()).rejects.toThrow(NotNow)
    views = [clusterView({ records: [record('Ready')] })]
    it.refresh()
    expect(heard).toEqual([['objects', 'sources', 'activity', 'plugins']])
    expect((await it.overview()).counts.total).toBe(1)
    await expect(it.object('Volume/default/data', 'east')).rejects.toThrow('no NomadCluster "east"')
  })
})

describe('the log of what was done', () => {
  const step = { key: 'Volume/default/data', step: 'create-volume', why: 'creating it' }
  const failing = () => Promise.reject(new Error('no room'))

  it('counts a failure that repeats once, with its error and duration, and outlives the process', async () => {
    const clock = adjustableClock()
    const path = join(temporaryDirectory(), 'activity.db')
    const open = () => createActivityLogs({ path, clock, onError: (error) => expect.fail(String(error)) })
    const first = open()
    const log = first.of(undefined)
    for (let time = 0; time < 3; time += 1)
      await expect(log.aroundStep(step, failing)).rejects.toThrow('no room')
    await log.aroundStep(step, async () => clock.advance(40))
    await log.aroundOrder(
      { type: 'suspend', key: step.key },
      { via: 'command', user: 'olaf' },
      async () => 'suspended',
    )
    first.close()
    const second = open()
    expect(second.of(undefined).of(step.key)).toMatchObject([
      { type: 'order', outcome: 'taken', why: 'suspended', by: { user: 'olaf' }, times: 1 },
      { type: 'step', outcome: 'done', durationMs: 40, times: 1 },
      { type: 'step', outcome: 'failed', error: 'no room', times: 3 },
    ])
    expect(second.of('east').of(step.key)).toEqual([])
    second.close()
  })

  it('changes nothing of how a step ends where its file takes nothing any more', async () => {
    const clock = adjustableClock()
    const told: string[] = []
    const logs = createActivityLogs({
      path: join(temporaryDirectory(), 'activity.db'),
      clock,
      onError: (error) => told.push(String(error)),
    })
    const log = logs.of(undefined)
    await expect(log.aroundStep(step, failing)).rejects.toThrow('no room')
    logs.close()
    await expect(log.aroundStep(step, failing)).rejects.toThrow('no room')
    clock.advance(1_000)
    expect(told).toHaveLength(1)
    expect(log.of(step.key)).toMatchObject([{ outcome: 'failed', times: 2 }])
  })

  it('keeps the latest 10,000 entries', async () => {
    const logs = createActivityLogs({ clock: adjustableClock(), onError: () => {} })
    const log = logs.of(undefined)
    for (let index = 0; index < 11_500; index += 1)
      await log.aroundStep({ ...step, key: `Volume/default/${index}` }, async () => {})
    const kept = [...logs.newestFirst()]
    expect(kept.length).toBeGreaterThanOrEqual(10_000)
    expect(kept.length).toBeLessThan(11_000)
    expect(kept[0]?.key).toBe('Volume/default/11499')
    expect(log.of('Volume/default/0')).toEqual([])
  })
})
