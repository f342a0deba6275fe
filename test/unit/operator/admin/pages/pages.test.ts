import { describe, expect, it } from 'vitest'
import { actionsFor } from '../../../../../src/operator/admin/pages/actions.ts'
import { excerptOf, hiddenLine } from '../../../../../src/operator/admin/pages/excerpt.ts'
import { severityOf } from '../../../../../src/operator/admin/pages/object-entry.ts'
import { summarise } from '../../../../../src/operator/admin/pages/overview.ts'
import { judge } from '../../../../../src/operator/admin/pages/recoverability.ts'
import { describeRetention, planGoing } from '../../../../../src/operator/admin/pages/snapshot-fate.ts'
import { stripFlags } from '../../../../../src/operator/admin/pages/strip-flags.ts'
import { presentSnapshots } from '../../../../../src/operator/admin/pages/volume-snapshots.ts'
import type { SnapshotScheduleRecord } from '../../../../../src/operator/plan/record.ts'
import { clusterView, conditionsOf, nowMs } from '../../../../builders/cluster-view.ts'
import { schedule, snapshot, volume } from '../../../../builders/declarations.ts'
import { snapshotRecord, volumeRecord } from '../../../../builders/records.ts'

describe('the sentence of the overview', () => {
  const counts = { total: 0, Ready: 0, Reconciling: 0, Stalled: 0, Held: 0, Refused: 0 }
  it.each([
    ['Nothing is declared yet.', counts, 0],
    ['Nothing is declared; 1 needs you.', counts, 1],
    ['All 3 are as declared; nothing needs you.', { ...counts, total: 3, Ready: 3 }, 0],
    ['412 of 415 as declared; 3 need you.', { ...counts, total: 415, Ready: 412, Stalled: 3 }, 3],
    [
      '1 of 3 as declared; 2 in progress; nothing needs you.',
      { ...counts, total: 3, Ready: 1, Reconciling: 2 },
      0,
    ],
  ])('is: %s', (sentence, given, needsPerson) => {
    expect(summarise(given, needsPerson)).toBe(sentence)
  })

  it.each([
    ['a lost volume comes first', 'Stalled', 'Vanished', 1],
    ['a refused declaration is next', 'Refused', 'OwnedElsewhere', 2],
    ['a word that is waited for is last', 'Held', 'TooManyEnds', 3],
    ['what a person suspended needs nobody', 'Held', 'Suspended', undefined],
    ['what is under way needs nobody', 'Reconciling', 'Creating', undefined],
  ] as const)('%s', (_title, state, reason, severity) => {
    expect(severityOf(state, reason)).toBe(severity)
  })
})

describe('the lines around a mistake', () => {
  const text = [
    'kind: Volume',
    'spec:',
    '  secrets:',
    '    a: hunter2',
    '    b: {c: d}',
    '  capabilitys: []',
    'x: y',
  ].join('\n')

  it('hide what stands beneath a name of secrets, and nothing after it', () => {
    expect(excerptOf(text, 6)).toEqual({
      firstLine: 3,
      lines: [hiddenLine, hiddenLine, hiddenLine, '  capabilitys: []', 'x: y'],
    })
  })

  it.each([
    ['a password on the line itself', 'password: hunter2'],
    ['a token in other letters', 'API_TOKEN=hunter2'],
    ['a list beneath it', 'mountFlags:\n- username=a\n- pin=hunter2'],
    ['a text over several lines', 'secret: |\n\n  hunter2\n  hunter2'],
  ])('hide %s', (_what, secret) => {
    const found = excerptOf(`a: b\n${secret}`, 2)?.lines.join('\n')
    expect(found).toContain(hiddenLine)
    expect(found).not.toContain('hunter2')
  })

  it('are none where the file has no such line', () => {
    expect(excerptOf('a: b', 2)).toBeUndefined()
  })
})

it('a declaration to copy keeps its mount flags but for the value of a password', () => {
  const document = { spec: { mountOptions: { mountFlags: ['nfsvers=4.1', 'noatime', 'password=hunter2'] } } }
  expect(stripFlags(document).spec.mountOptions).toEqual({
    mountFlags: ['nfsvers=4.1', 'noatime', 'password=***stripped***'],
  })
})

describe('how old the newest snapshot may be', () => {
  const goal = { maxAgeMs: 100, from: 'a schedule' }
  it.each([
    ['there is none', undefined, goal, 'never'],
    ['nothing sets a goal', 5, undefined, 'none'],
    ['it is as old as it may be', 100, goal, 'met'],
    ['it is older', 101, goal, 'missed'],
  ] as const)('%s', (_title, ageMs, of, result) => {
    expect(judge(ageMs, of)).toBe(result)
  })
})

describe('retention', () => {
  const daily = { schedule: '0 3 * * *', timeZone: 'Etc/UTC', isSuspended: false }
  const dayMs = 86_400_000
  /** Of the last days at three o'clock, the newest first. */
  const candidates = (count: number) =>
    Array.from({ length: count }, (_, day) => ({
      key: `s${day}`,
      tickMs: Date.parse('2026-03-04T03:00:00Z') - day * dayMs,
      isReady: true,
      isKeptByHand: false,
      isInUse: false,
    }))

  it('ends each snapshot after the run that pushes it out', () => {
    const going = planGoing(candidates(3), { ...daily, retention: { keepLast: 3 } }, nowMs)
    expect([...going].map(([key, ms]) => [key, new Date(ms).toISOString().slice(0, 10)])).toEqual([
      ['s2', '2026-03-05'],
      ['s1', '2026-03-06'],
      ['s0', '2026-03-07'],
    ])
  })

  it('ends nothing that a person keeps, of a suspended schedule, or without retention', () => {
    const kept = candidates(2).map((each) => ({ ...each, isKeptByHand: true }))
    expect(planGoing(kept, { ...daily, retention: { keepLast: 1 } }, nowMs).size).toBe(0)
    const suspended = { ...daily, isSuspended: true, retention: { keepLast: 1 } }
    expect(planGoing(candidates(2), suspended, nowMs).size).toBe(0)
    expect(planGoing(candidates(2), { ...daily, retention: undefined }, nowMs).size).toBe(0)
  })

  it.each([
    ['keeps all snapshots', undefined],
    ['keeps all snapshots', {}],
    ['keeps those younger than 90d', { maxAge: '90d' }],
    [
      'keeps the newest 3, one of each of the last 7 days, none older than 90d',
      { keepLast: 3, keepDaily: 7, maxAge: '90d' },
    ],
  ])('%s', (sentence, retention) => {
    expect(describeRetention(retention)).toBe(sentence)
  })
})

describe('a volume with snapshots of a schedule', () => {
  const data = volumeRecord(volume('data'), {
    externalID: 'vol-1',
    status: {
      conditions: conditionsOf('Ready', 'AsDeclared'),
      claims: ['a1'],
      attachedNodes: ['n1'],
      claimNodes: { a1: 'n1' },
    },
  })
  const taken = (day: number, ready: boolean) => {
    const tickMs = Date.parse(`2026-03-0${day}T03:00:00Z`)
    return snapshotRecord(snapshot(`nightly:data:${day}`, 'data'), {
      ...(ready ? { snapshotID: `snap-${day}` } : {}),
      schedule: { schedule: 'SnapshotSchedule/default/nightly', volume: data.key, tickMs, isExpired: false },
      status: {
        conditions: conditionsOf(ready ? 'Ready' : 'Reconciling'),
        ...(ready ? { takenAtMs: tickMs } : {}),
      },
    })
  }
  const nightly = schedule('nightly', ['data'], { retention: { keepLast: 2 } })
  const kept = {
    'Snapshot/default/nightly:data:2': ['keepLast'],
    'Snapshot/default/nightly:data:3': ['keepLast', 'last ready'],
  }
  const scheduleRecord: SnapshotScheduleRecord = {
    kind: 'SnapshotSchedule',
    key: 'SnapshotSchedule/default/nightly',
    declaration: nightly,
    ...{ csiName: '', incarnation: 0, sinceMs: 0, ticks: {} },
    status: { conditions: conditionsOf('Ready', 'Scheduled'), kept },
  }
  const view = clusterView({
    records: [data, taken(2, true), taken(3, true), taken(4, false), scheduleRecord],
  })

  it('shows of each which rule keeps it, and when it goes', () => {
    const shown = presentSnapshots(view, data, nowMs).map(({ object, keptBy, goesAt, fate }) => ({
      ...{ name: object.name, keptBy, goesAt, fate },
    }))
    expect(shown).toMatchObject([
      { name: 'nightly:data:4', keptBy: [], fate: expect.stringContaining('not ready') },
      { name: 'nightly:data:3', keptBy: ['keepLast', 'last ready'], goesAt: '2026-03-06T03:00:00.000Z' },
      { name: 'nightly:data:2', keptBy: ['keepLast'], goesAt: '2026-03-05T03:00:00.000Z' },
    ])
  })

  it('offers what can be ordered, and says why the rest cannot', () => {
    const actions = new Map(actionsFor(view, data.key).map((action) => [action.id, action]))
    const restore = actions.get('restore')
    expect(restore).toMatchObject({ typeToConfirm: 'data', order: { type: 'restore', replaces: 'vol-1' } })
    expect(restore?.consequence).toContain('An allocation claims the volume now: the restore waits')
    expect(
      restore?.choices?.[0]?.options.map(({ value, refusal }) => [value, refusal === undefined]),
    ).toEqual([
      ['nightly:data:4', false],
      ['nightly:data:3', true],
      ['nightly:data:2', true],
    ])
    const refusals = [...actions].flatMap(([id, { refusal }]) => (refusal === undefined ? [] : [id]))
    expect(refusals).toEqual(['takeSnapshots', 'recreate', 'resume'])
    expect(actions.get('recreate')?.refusal).toContain('has not vanished')
    expect(actions.get('takeSnapshots')?.refusal).toContain('in flight')
    expect(actions.has('cancelEnd')).toBe(false)
    expect(actions.get('detach')?.choices?.[0]?.options).toEqual([
      { value: 'n1', label: 'n1@a1', detail: 'claimed by a1' },
    ])
  })
})
