import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Key, keyOf } from '../../../../src/operator/plan/identity.ts'
import { planDetachOrder } from '../../../../src/operator/plan/orders.ts'
import type { InventoryRecord, VolumeRecord } from '../../../../src/operator/plan/record.ts'
import type { Released } from '../../../../src/operator/plan/released.ts'
import { place, schedule, snapshot, volume } from '../../../builders/declarations.ts'
import { nomadAnswers } from '../../../builders/nomad-answers.ts'
import type { Fault } from '../../../fakes/nomad-world.ts'
import { createOperatorModel, deadlineMs, pruneDelayMs } from '../../../helpers/operator-model.ts'

/**
 * The reconcile loop against a world that people and faults change at random, with the process killed
 * between any two effects. Whatever happens, the never-list of the design holds; and once it is quiet,
 * everything ends as declared or in a stated reason.
 */
const names = ['a', 'b', 'c'] as const
const policies = ['Retain', 'Deregister', 'Delete'] as const
const name = fc.constantFrom(...names)
const policy = fc.constantFrom(...policies)
const node = fc.constantFrom('n1', 'n2')
/** Whatever Nomad may have a volume of. */
const volumeID = fc.constantFrom(...names, 'many[0]', 'many[1]', 'many[2]')

type Action =
  | { do: 'declare'; name: string; policy: (typeof policies)[number]; min: number; stale: boolean }
  | {
      do: 'declare-many'
      count: number
      whenScaled: (typeof policies)[number]
      policy: (typeof policies)[number]
    }
  | { do: 'declare-snapshot' | 'declare-restored' | 'declare-schedule'; name: string }
  | { do: 'rename' | 'replace' | 'copy' | 'make-many'; name: string; policy: (typeof policies)[number] }
  | { do: 'remove'; file: string }
  | { do: 'recreate'; volumeID: string }
  | { do: 'person'; act: PersonsAct; volumeID: string }
  | { do: 'claim' | 'claim-before-write'; volumeID: string; node: string }
  | { do: 'word'; volumeID: string; node: string }
  | { do: 'node'; node: string; to: 'partitioned' | 'dead' | 'back' | 'purged' }
  | { do: 'detach-endpoint'; isBroken: boolean }
  | { do: 'plugin'; snapshotsNeedTheirVolume: boolean; isReached: boolean; isAway: boolean }
  | { do: 'restore' | 'undo-restore' | 'go-back'; name: string }
  | { do: 'fault'; fault: Fault }
  | { do: 'kill'; effects: number }
  | { do: 'advance'; ms: number }
  | { do: 'set-date'; aheadMs: number }
  | { do: 'settle' }

const yearMs = 365 * 86_400_000

const personsActs = [
  'endAllocation',
  'collect',
  'reap',
  'deregister',
  'forceDeregister',
  'destroy',
  'expand',
] as const
type PersonsAct = (typeof personsActs)[number]

const files = [
  ...names.flatMap((each) => [`${each}.yaml`, `of-${each}.yaml`, `from-${each}.yaml`, `copy-${each}.yaml`]),
  'many.yaml',
  'often.yaml',
]

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('declare' as const),
      name,
      policy,
      min: fc.integer({ min: 1, max: 3 }),
      stale: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('declare-many' as const),
      count: fc.integer({ min: 1, max: 3 }),
      whenScaled: policy,
      policy,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'declare-snapshot' as const,
        'declare-restored' as const,
        'declare-schedule' as const,
      ),
      name,
    }),
  },
  fc.record({
    do: fc.constantFrom('rename' as const, 'replace' as const, 'copy' as const, 'make-many' as const),
    name,
    policy,
  }),
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('remove' as const), file: fc.constantFrom(...files) }),
  },
  fc.record({ do: fc.constant('recreate' as const), volumeID }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('person' as const),
      act: fc.constantFrom(...personsActs),
      volumeID,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('claim' as const, 'claim-before-write' as const),
      volumeID,
      node,
    }),
  },
  fc.record({ do: fc.constant('word' as const), volumeID, node }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('node' as const),
      node,
      to: fc.constantFrom('partitioned' as const, 'dead' as const, 'back' as const, 'purged' as const),
    }),
  },
  fc.record({ do: fc.constant('detach-endpoint' as const), isBroken: fc.boolean() }),
  fc.record({
    do: fc.constant('plugin' as const),
    snapshotsNeedTheirVolume: fc.boolean(),
    isReached: fc.boolean(),
    isAway: fc.boolean(),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      fault: fc.oneof(
        fc.constantFrom<Fault>('refused', 'unreachable', 'lost', 'late'),
        fc
          .record({ answer: fc.constantFrom(...nomadAnswers), isDone: fc.boolean() })
          .map(({ answer: [, status, text], isDone }): Fault => ({ status, text, isDone })),
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), effects: fc.nat({ max: 12 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(1_000, pruneDelayMs, deadlineMs),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('set-date' as const),
      aheadMs: fc.constantFrom(0, -yearMs, -3_600_000, 60_000, 3_600_000, yearMs),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'settle' as const }) },
)

/** Of one volume that has a snapshot, so that there is something to restore it from. */
const restoreAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ do: 'restore' as const, name: 'a' }) },
  { weight: 1, arbitrary: fc.constant({ do: 'undo-restore' as const, name: 'a' }) },
  { weight: 2, arbitrary: fc.constant({ do: 'go-back' as const, name: 'a' }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('deregister' as const, 'destroy' as const)
      .map((act) => ({ do: 'person' as const, act, volumeID: 'a' })),
  },
  { weight: 7, arbitrary: action },
)

const pass: Action = { do: 'advance', ms: 1_000 }
const end: readonly Action[] = [pass, { do: 'advance', ms: pruneDelayMs }, pass, pass, pass]

/** What chance alone comes to too seldom: several steps that belong together, among all the others. */
const scenario: fc.Arbitrary<readonly Action[]> = fc.oneof(
  // A count that is lowered and raised again, with what happens to the volume meanwhile.
  fc.record({ policy, whenScaled: policy, isDestroyed: fc.boolean() }).map((chosen): Action[] => {
    const many = (count: number): Action => ({ do: 'declare-many', count, ...chosen })
    const destroyed: Action[] = chosen.isDestroyed
      ? [{ do: 'person', act: 'destroy', volumeID: 'many[2]' }]
      : []
    return [many(3), pass, pass, pass, many(1), ...end, ...destroyed, many(3), pass, pass, pass]
  }),
  // A declaration that a mistake makes invalid beside others.
  fc
    .record({ policy })
    .map((chosen): Action[] => [
      { do: 'declare', name: 'a', min: 1, stale: false, ...chosen },
      { do: 'declare', name: 'b', min: 1, stale: false, ...chosen },
      pass,
      pass,
      { do: 'rename', name: 'b', ...chosen },
      ...end,
    ]),
)

const history = fc
  .array(
    fc.oneof({ weight: 30, arbitrary: action.map((each) => [each]) }, { weight: 1, arbitrary: scenario }),
    {
      minLength: 1,
      maxLength: 40,
    },
  )
  .map((steps) => steps.flat())

const stale = { policy: 'Stale', nodes: [] } as const
const leavesFirstNode = { policy: 'Never', nodes: ['n1'] } as const

function perform(model: ReturnType<typeof createOperatorModel>, step: Action): unknown {
  const { world } = model
  switch (step.do) {
    case 'declare':
      return model.declare(
        volume(step.name, {
          deletionPolicy: step.policy,
          finalSnapshot: step.policy === 'Delete' && step.min === 3,
          capacity: { min: BigInt(step.min) },
          secrets: {},
          ...(step.stale ? { detach: stale } : {}),
        }),
      )
    case 'declare-many':
      return model.declare(
        volume('many', {
          perAlloc: { count: step.count, whenScaled: step.whenScaled },
          deletionPolicy: step.policy,
          secrets: {},
          detach: step.count === 2 ? leavesFirstNode : stale,
        }),
      )
    case 'declare-snapshot':
      return model.declare(snapshot(`of-${step.name}`, step.name, { deletionPolicy: 'Delete' }))
    case 'declare-restored':
      return model.declare(
        volume(`from-${step.name}`, { source: { snapshot: `of-${step.name}` }, secrets: {} }),
      )
    case 'declare-schedule':
      return model.declare(
        schedule('often', [step.name, 'many'], {
          schedule: '*/10 * * * *',
          retention: { keepLast: 1 },
        }),
      )
    case 'rename': {
      // Another metadata.name for the same identity, in its own document; it may be one that is taken.
      const other = names.find((each) => each !== step.name) ?? 'a'
      const at = place(`${step.name}.yaml`)
      return model.declare(
        volume(other, { volumeID: step.name, deletionPolicy: step.policy, secrets: {} }, at),
      )
    }
    case 'replace':
      return model.declare(
        volume(`new-${step.name}`, { deletionPolicy: step.policy }, place(`${step.name}.yaml`)),
      )
    case 'make-many':
      return model.declare(
        volume(step.name, {
          deletionPolicy: step.policy,
          perAlloc: { count: 2, whenScaled: 'Delete' },
          secrets: {},
        }),
      )
    case 'copy':
      return model.declare(
        volume(step.name, { deletionPolicy: step.policy, secrets: {} }, place(`copy-${step.name}.yaml`)),
      )
    case 'remove':
      return model.remove(step.file)
    case 'recreate': {
      const key = `Volume/default/${step.volumeID}`
      const record = model.stored.get(key)
      if (record?.kind !== 'Volume' || record.externalID === undefined) return undefined
      const { externalID } = record
      return model.order(key, (orders) => ({ ...orders, recreate: { externalID, atMs: 0 } }))
    }
    case 'restore': {
      const key = `Volume/default/${step.name}`
      const record = model.stored.get(key)
      const taken = model.stored.get(`Snapshot/default/of-${step.name}`)
      if (record?.kind !== 'Volume' || record.externalID === undefined || record.restore) return undefined
      if (taken?.kind !== 'Snapshot' || taken.snapshotID === undefined) return undefined
      const { externalID } = record
      const { snapshotID } = taken
      return model.order(key, (orders) => ({ ...orders, restore: { externalID, snapshotID, atMs: 0 } }))
    }
    case 'go-back': {
      const key = `Volume/default/${step.name}`
      const record = model.stored.get(key)
      if (record?.kind !== 'Volume' || record.externalID === undefined || record.restore) return undefined
      const { externalID } = record
      const replaced = model
        .released()
        .findLast((each) => each.key === key && each.reason === 'Replaced' && each.externalID !== externalID)
      if (replaced === undefined) return undefined
      const backTo = replaced.externalID
      return model.order(key, (orders) => ({ ...orders, restore: { externalID, backTo, atMs: 0 } }))
    }
    case 'undo-restore': {
      const key = `Volume/default/${step.name}`
      const record = model.stored.get(key)
      if (record?.kind !== 'Volume' || record.restore === undefined) return undefined
      const { csiName } = record.restore
      return model.order(key, (orders) => ({ ...orders, undoRestore: { csiName, atMs: 0 } }))
    }
    case 'person': {
      // What goes before anybody recorded it is not missed: its create may be made once more.
      const { ExternalID: externalID = '' } = world.volumes.get(`default/${step.volumeID}`) ?? {}
      const isKnown = [...model.stored.values(), ...model.released()].some(
        (each) => idOf(each) === externalID,
      )
      const disk = world.disks.get(externalID)
      if (step.act === 'destroy' && disk !== undefined && !isKnown) world.history.livesEnded.push(disk.name)
      const left = model.released().findLast(({ key }) => key === `Volume/default/${step.volumeID}`)
      return world.people[step.act](step.volumeID, left?.externalID)
    }
    case 'claim':
      return world.people.claim(step.volumeID, step.node)
    case 'claim-before-write':
      world.conditions.beforeWrite = () => world.people.claim(step.volumeID, step.node)
      return undefined
    case 'word': {
      // A person who gives their word has looked, and it is good for what is there.
      const key = `Volume/default/${step.volumeID}`
      const record = model.stored.get(key)
      if (record?.kind !== 'Volume' || !world.people.isDead(step.node)) return undefined
      const order = planDetachOrder(record, step.node, 0)
      if (typeof order === 'string') return undefined
      return model.order(key, (orders) => ({ ...orders, detach: [order] }))
    }
    case 'node':
      return world.people.changeNode(step.node, step.to)
    case 'detach-endpoint':
      world.conditions.isDetachBroken = step.isBroken
      return undefined
    case 'plugin':
      world.conditions.snapshotsNeedTheirVolume = step.snapshotsNeedTheirVolume
      world.conditions.isPluginReached = step.isReached
      world.conditions.isPluginAway = step.isAway
      return undefined
    case 'fault':
      return world.failNext(step.fault)
    case 'kill':
      return model.killAfter(step.effects)
    case 'set-date':
      return model.setDate(step.aheadMs)
    case 'advance':
      return model.advance(step.ms)
    case 'settle':
      return world.settle()
  }
}

function idOf(record: InventoryRecord | Released): string | undefined {
  if (!('kind' in record)) return record.externalID
  if (record.kind === 'Volume') return record.externalID
  return record.kind === 'Snapshot' ? record.snapshotID : undefined
}

/** A volume that was ended as Delete asks, and is gone, may be made anew by a later declaration. */
function noteEndedLives(
  { world, stored, released }: ReturnType<typeof createOperatorModel>,
  before: readonly InventoryRecord[],
) {
  for (const record of before) {
    const id = idOf(record)
    if (record.kind !== 'Volume' || stored.has(record.key) || id === undefined || world.disks.has(id))
      continue
    const isLeft = released().some((each) => each.externalID === id && each.reason !== 'Deleted')
    if (!isLeft) world.history.livesEnded.push(record.csiName)
  }
}

/** Design, section 2: what must never happen, checked after every round. */
function expectNeverList(
  { world, stored, released }: ReturnType<typeof createOperatorModel>,
  before: Map<Key, string>,
) {
  expect(world.history.overlaps, 'a create repeated while the first may be running').toEqual([])
  const names = [...world.disks.values()].map((disk) => disk.name)
  expect(new Set(names).size, 'two external volumes for one declaration').toBe(names.length)
  expect(world.history.violations, 'detached or deleted under a writer').toEqual([])
  for (const made of new Set(world.history.disksMade)) {
    if (!/^many-\d-[0-9a-f]{10}$/.test(made)) continue
    const count = (list: readonly string[]) => list.filter((each) => each === made).length
    const alive = count(world.history.disksMade) - count(world.history.livesEnded)
    expect(alive, `${made}: a second external volume for one instance`).toBeLessThanOrEqual(1)
  }
  const externalIDs = [...stored.values()].flatMap((record) =>
    record.kind === 'Volume' && record.externalID !== undefined ? [record.externalID] : [],
  )
  expect(new Set(externalIDs).size, 'one external volume for two declarations').toBe(externalIDs.length)
  for (const { externalID, reason } of released()) {
    // One that was gone back to is no longer what was replaced.
    if (reason !== 'Replaced' || externalIDs.includes(externalID)) continue
    expect(world.history.externalIDsDeleted, 'a replaced volume was deleted').not.toContain(externalID)
  }
  for (const record of stored.values()) {
    const id = idOf(record)
    if (before.has(lifeOf(record)) && id !== undefined) {
      expect(id, `${record.key} stands for another thing than before`).toBe(before.get(lifeOf(record)))
    }
  }
}

/** A volume that a person restored or gave up begins a new life under the same key. */
function lifeOf({ key, incarnation }: InventoryRecord): string {
  return `${key} ${incarnation}`
}

function recordedIDs(stored: ReadonlyMap<Key, InventoryRecord>): Map<Key, string> {
  return new Map(
    [...stored.values()].flatMap((record): [Key, string][] => {
      const id = idOf(record)
      return id === undefined ? [] : [[lifeOf(record), id]]
    }),
  )
}

// The same histories at every run, so that a change is judged by its own merits; others by their seed.
const seed = Number(process.env.MOORING_MODEL_SEED ?? 20_261_123)
const runsOr = (fallback: number) => Number(process.env.MOORING_MODEL_RUNS ?? fallback)

describe('the reconcile loop', () => {
  beforeAll(() => process.stderr.write(`MOORING_MODEL_SEED=${seed}\n`))

  it('holds the never-list at every moment, and ends as declared or in a stated reason', async () => {
    await fc.assert(
      fc.asyncProperty(history, (steps) => expectToHold(createOperatorModel(), steps)),
      { numRuns: runsOr(3_000), seed },
    )
  })

  it('holds it through restores, which end in the restored volume or in the one before', async () => {
    const outcomes: Record<string, number> = {}
    let timesGoneBack = 0
    await fc.assert(
      fc.asyncProperty(fc.array(restoreAction, { minLength: 1, maxLength: 25 }), async (steps) => {
        const model = createOperatorModel()
        model.declare(volume('a', { capacity: { min: 1n }, secrets: {} }))
        model.declare(snapshot('of-a', 'a'))
        for (let round = 0; round < 4; round += 1) await model.run()
        await expectToHold(model, steps)
        const { outcome, backTo } = model.stored.get('Volume/default/a')?.status.lastRestore ?? {}
        if (outcome !== undefined) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        if (outcome === 'Restored' && backTo !== undefined) timesGoneBack += 1
      }),
      { numRuns: runsOr(500), seed },
    )
    // The histories are of restores indeed.
    expect(outcomes).toEqual({ Restored: expect.any(Number), NotRestored: expect.any(Number) })
    expect(timesGoneBack).toBeGreaterThan(0)
  })

  it('writes nothing once everything is as declared (nomad#8100)', async () => {
    const model = createOperatorModel()
    model.declare(volume('a', { capacity: { min: 2n } }))
    model.declare(snapshot('of-a', 'a'))
    model.declare(volume('from-a', { source: { snapshot: 'of-a' } }))
    await model.rest()
    const writes = model.world.history.writes.length
    await model.rest()
    expect(writes).toBe(3)
    expect(model.world.history.writes.slice(writes)).toEqual([])
  })
})

const detachReasons = ['DetachNeedsWord', 'DetachNodeUnknown', 'DetachFailed', 'DetachNotProven']

/** Performs the steps with a round of passes after each, then lets everything come to rest. */
async function expectToHold(model: ReturnType<typeof createOperatorModel>, steps: readonly Action[]) {
  for (const step of steps) {
    perform(model, step)
    const before = recordedIDs(model.stored)
    const disksBefore = model.world.history.disksMade.length
    const recordsBefore = [...model.stored.values()]
    const deletedBefore = model.world.history.disksDeleted.length
    await model.run()
    noteEndedLives(model, recordsBefore)
    expectNeverList(model, before)
    // Data destroyed that somebody still declares, whatever is wrong with how they do.
    for (const name of model.world.history.disksDeleted.slice(deletedBefore)) {
      const record = recordsBefore.find(({ csiName }) => csiName === name)
      const isOut = record?.kind === 'Volume' && record.end?.phase === 'delete'
      if (record !== undefined && !isOut)
        expect(model.written(), `${name} was deleted`).not.toContain(record.key)
    }
    // A blank disk in the place of a lost one: what has an external ID recorded makes no more disks.
    for (const made of model.world.history.disksMade.slice(disksBefore)) {
      const had = [...model.stored.values()].find((record) => record.csiName === made)
      if (had !== undefined) expect(before.get(lifeOf(had)), `${made} was made again`).toBeUndefined()
    }
  }
  await model.rest()
  await expectAtRest(model)
}

async function expectAtRest(model: ReturnType<typeof createOperatorModel>) {
  const { world, stored } = model
  for (const declaration of model.declared()) {
    const record = stored.get(keyOf(declaration))
    const conditions = new Map(record?.status.conditions.map((each) => [each.type, each]))
    const ready = conditions.get('Ready')
    expect(ready?.reason, `${keyOf(declaration)} has no stated reason`).toBeTruthy()
    // A schedule comes to no rest: its next run comes.
    if (declaration.kind === 'SnapshotSchedule') continue
    if (ready?.status !== 'True') {
      // Lost behind our back, refused by the fault, or waiting for one of those.
      expect([
        'Vanished',
        'Refused',
        'ExternalVolumeNotFound',
        'SourceNotFound',
        // Of a snapshot whose volume Nomad has no more.
        'VolumeNotFound',
        'SnapshotNotReady',
        'VolumeNotReady',
        'ExternalIDChanged',
        // Its volume stands for another external volume now.
        'WrongSource',
        // It makes several volumes, or none has its name.
        'VolumeHasInstances',
        ...detachReasons,
      ]).toContain(ready?.reason)
      continue
    }
    if (declaration.kind === 'Volume') {
      const { externalID, restore, status } = record as VolumeRecord
      expect(restore, 'a restore neither done nor called off').toBeUndefined()
      expect(model.orders(keyOf(declaration)).restore, 'an order that nothing came of').toBeUndefined()
      const actual = world.volumes.get(`default/${declaration.spec.volumeID}`)
      expect(actual?.ExternalID).toBe(externalID)
      const disk = world.disks.get(externalID ?? '')
      const { lastRestore, history = [] } = status
      if (lastRestore?.outcome === 'Restored' && !history.some(({ step }) => step === 'recreate-volume')) {
        const { snapshotID, backTo } = lastRestore
        if (backTo !== undefined) expect(externalID, 'gone back').toBe(backTo)
        else expect(disk?.content, 'restored').toBe(world.history.contents.get(snapshotID ?? ''))
      }
      expect(BigInt(disk?.sizeBytes ?? 0)).toBeGreaterThanOrEqual(declaration.spec.capacity?.min ?? 0n)
    }
  }
  const declaredKeys = new Set(model.declared().map(keyOf))
  for (const record of stored.values()) {
    if (declaredKeys.has(record.key) || (record.kind === 'Snapshot' && record.schedule)) continue
    const reason = record.status.conditions.find((each) => each.type === 'Ready')?.reason
    // A volume in use is not ended, nor one whose declaration stands there and is refused.
    expect([
      'HasDependents',
      'HasSnapshots',
      'Refused',
      'ExternalVolumeNotFound',
      'VolumeNotFound',
      'InUse',
      'IdentityChanged',
      'NameTaken',
      ...detachReasons,
    ]).toContain(reason)
  }
}
