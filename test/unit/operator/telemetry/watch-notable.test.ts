import { describe, expect, it } from 'vitest'
import type { InventoryRecord } from '../../../../src/operator/plan/record.ts'
import { conditionsOf, type Verdict } from '../../../../src/operator/plan/status.ts'
import { type Happening, watchNotable } from '../../../../src/operator/telemetry/watch-notable.ts'
import { volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'

const key = 'Volume/default/data'

/** A watch over one volume, which tests put into a state. */
function watched(state: Verdict['state'], reason: string) {
  const told: Happening[] = []
  let record: InventoryRecord | undefined = recordIn(state, reason)
  const { onStatus, aroundStep } = watchNotable({
    records: () => (record === undefined ? [] : [record]),
    record: () => record,
    tell: (happening) => told.push(happening),
  })
  return {
    told,
    aroundStep,
    becomes(next: Verdict['state'] | 'gone', why = 'Why', message = 'because') {
      record = next === 'gone' ? undefined : recordIn(next, why, message)
      onStatus(key)
    },
  }
}

function recordIn(state: Verdict['state'], reason: string, message = 'because') {
  return volumeRecord(volume('data'), {
    status: { conditions: conditionsOf({ state, reason, message } as Verdict, [], 0) },
  })
}

describe('what a person hears of', () => {
  it('is what stalls, once for each change of the reason, and what is resolved', () => {
    const { told, becomes } = watched('ready', 'AsDeclared')
    becomes('stalled', 'Vanished', 'one')
    becomes('stalled', 'Vanished', 'the message alone is another')
    becomes('stalled', 'Drifted', 'two')
    becomes('ready')
    becomes('stalled', 'Drifted', 'three')
    expect(told.map(({ event, reason, message }) => [event, reason, message])).toEqual([
      ['Stalled', 'Vanished', 'one'],
      ['Stalled', 'Drifted', 'two'],
      ['Resolved', 'Drifted', 'Why: because'],
      ['Stalled', 'Drifted', 'three'],
    ])
    expect(told[0]).toMatchObject({
      event: 'Stalled',
      object: { kind: 'Volume', namespace: 'default', name: 'data' },
    })
  })

  it('is no new stall and no end of one while work on it goes on', () => {
    const { told, becomes } = watched('ready', 'AsDeclared')
    becomes('stalled', 'Drifted', 'one')
    becomes('working', 'Updating')
    becomes('stalled', 'Drifted', 'two')
    becomes('gone')
    expect(told.map(({ event, reason, message }) => [event, reason, message])).toEqual([
      ['Stalled', 'Drifted', 'one'],
      ['Resolved', 'Drifted', 'it is no longer managed'],
    ])
  })

  it('is not what was stalled before the operator was started, but its end is', () => {
    const { told, becomes } = watched('stalled', 'Vanished')
    becomes('stalled', 'Vanished')
    expect(told).toEqual([])
    becomes('gone')
    becomes('stalled', 'Vanished')
    expect(told.map(({ event }) => event)).toEqual(['Resolved', 'Stalled'])
  })

  it('is no wait, and no step but a missed run that was recorded', async () => {
    const { told, becomes, aroundStep } = watched('ready', 'AsDeclared')
    becomes('waiting', 'PluginUnavailable')
    const schedule = 'SnapshotSchedule/default/nightly'
    await aroundStep({ key: schedule, step: 'start-snapshot', why: '' }, async () => 0)
    const lost = aroundStep({ key: schedule, step: 'miss-run', why: '' }, () =>
      Promise.reject(new Error('no')),
    )
    await expect(lost).rejects.toThrow('no')
    expect(told).toEqual([])
    await aroundStep({ key: schedule, step: 'miss-run', why: 'nobody was there' }, async () => 0)
    expect(told).toEqual([
      {
        event: 'SnapshotRunMissed',
        object: { kind: 'SnapshotSchedule', namespace: 'default', name: 'nightly' },
        reason: 'RunMissed',
        message: 'nobody was there',
      },
    ])
  })
})
