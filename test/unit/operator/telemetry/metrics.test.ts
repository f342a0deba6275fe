import { expect, it } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { createMetrics } from '../../../../src/operator/telemetry/metrics.ts'
import { createPluginCallMetrics } from '../../../../src/telemetry/plugin-calls.ts'
import { operatorView } from '../../../builders/operator-view.ts'

it('shows nothing of a NomadCluster that is gone, and the other clusters as before', async () => {
  const pluginCalls = createPluginCallMetrics(systemClock)
  const metrics = createMetrics({ clock: systemClock, version: '1.2.3', pluginCalls })
  const [own, far] = [metrics.of(undefined), metrics.of('far')]
  for (const measured of [own, far]) {
    measured.observe(operatorView({}))
    await measured.aroundPass({ key: 'Volume/default/a', queuedMs: 1 }, async () => ({ type: 'done' }))
    await measured.aroundStep({ key: 'SnapshotSchedule/default/a', step: 'miss-run' }, async () => undefined)
    await measured.aroundCall({ operation: 'read_volume' }, async () => ({ status: 200 }))
    measured.orphansFound({ inStorage: [], inNomad: [], undeclared: [], unknown: [] })
  }
  const samplesOf = (text: string, cluster: string) =>
    text.split('\n').filter((line) => line.includes(`cluster="${cluster}"`))
  const before = await metrics.render()
  expect(samplesOf(before, 'far').length).toBeGreaterThan(50)
  await far.forget()
  const after = await metrics.render()
  expect(samplesOf(after, 'far')).toEqual([])
  expect(after).toContain('mooring_steps_total{step="miss-run",outcome="done"} 1')
})
