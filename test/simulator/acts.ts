import { type Damage, type Document, damages, type Policy } from './documents.ts'
import { between, pick, pickWeighted, type Random } from './random.ts'
import type { Weather } from './world/network.ts'
import type { NodeID } from './world/workloads.ts'

/** One thing that a person, a workload, the weather or fate does. Plain data, so that a history can be shortened. */
export type Act =
  | { readonly do: 'write'; readonly file: string; readonly documents: readonly Document[] }
  | { readonly do: 'remove'; readonly file: string }
  | { readonly do: 'damage'; readonly file: string; readonly damage: Damage }
  | { readonly do: 'repair'; readonly file: string }
  | { readonly do: 'move'; readonly file: string; readonly to: string }
  | { readonly do: 'folder'; readonly to: 'unmounted' | 'gone' | 'unreadable' | 'back' }
  | { readonly do: 'claim'; readonly volume: string; readonly node: NodeID }
  | {
      readonly do: 'stop' | 'leave' | 'collect' | 'write data' | 'deregister' | 'destroy disk'
      readonly volume: string
    }
  | { readonly do: 'node'; readonly node: NodeID; readonly to: 'partitioned' | 'dead' | 'back' }
  | { readonly do: 'destroy snapshot'; readonly of: string }
  | { readonly do: 'order'; readonly order: OrderName; readonly volume: string }
  | { readonly do: 'plugin'; readonly isAway: boolean }
  | { readonly do: 'detach endpoint'; readonly isBroken: boolean }
  | { readonly do: 'weather'; readonly kind: keyof Weather; readonly share: number }
  | { readonly do: 'kill'; readonly downMs: number }
  /** At the moment when it sends the n-th effect from now, or stores the n-th record. */
  | { readonly do: 'kill at'; readonly count: number; readonly downMs: number }
  | { readonly do: 'set clock'; readonly byMs: number }

export type OrderName =
  | 'suspend'
  | 'resume'
  | 'recreate'
  | 'restore'
  | 'go back'
  | 'undo restore'
  | 'snapshot now'
  | 'keep'
  | 'node is dead'

export interface TimedAct {
  readonly atMs: number
  readonly act: Act
}

/** Acts after which Mooring is known to do wrong, and work on it is going on. */
const isLeftOut = (act: Act) =>
  act.do === 'damage' || act.do === 'set clock' || (act.do === 'folder' && act.to === 'unmounted')

const volumes = ['a', 'b', 'c'] as const
const nodes = ['n1', 'n2'] as const
const minute = 60_000

/** A random life of a few volumes. */
export function planActs(random: Random): TimedAct[] {
  const acts: TimedAct[] = []
  let atMs = 0
  const add = (act: Act) => acts.push({ atMs, act })
  const count = between(random, 4, 22)
  for (let index = 0; index < count; index += 1) {
    for (const act of index === 0 ? [write(random)] : scene(random)) {
      if (!isLeftOut(act)) add(act)
      // Some acts come on each other's heels, others when everything has been dealt with.
      atMs += pickWeighted(random, [
        [3, () => between(random, 0, 2_000)],
        [3, () => between(random, 2_000, 90_000)],
        [3, () => between(random, 2, 6) * minute],
      ])()
    }
  }
  return acts
}

function scene(random: Random): Act[] {
  const one = (act: Act): Act[] => [act]
  const volume = pick(random, volumes)
  const file = fileOf(random)
  return pickWeighted<() => Act[]>(random, [
    [10, () => one(write(random))],
    [5, () => one({ do: 'remove', file })],
    [4, () => one({ do: 'damage', file, damage: pick(random, Object.keys(damages) as Damage[]) })],
    [3, () => one({ do: 'repair', file })],
    [2, () => one({ do: 'move', file, to: `moved-${file}` })],
    [2, () => one({ do: 'folder', to: pick(random, ['unmounted', 'gone', 'unreadable'] as const) })],
    [3, () => one({ do: 'folder', to: 'back' })],
    [4, () => one({ do: 'claim', volume, node: pick(random, nodes) })],
    [6, () => one({ do: pick(random, ['stop', 'leave', 'collect', 'write data'] as const), volume })],
    [3, () => one({ do: pick(random, ['deregister', 'destroy disk'] as const), volume })],
    [1, () => one({ do: 'destroy snapshot', of: volume })],
    [
      2,
      () =>
        one({
          do: 'node',
          node: pick(random, nodes),
          to: pick(random, ['partitioned', 'dead', 'back'] as const),
        }),
    ],
    [6, () => one({ do: 'order', order: pick(random, orderNames), volume })],
    [2, () => one({ do: 'plugin', isAway: random() < 0.4 })],
    [1, () => one({ do: 'detach endpoint', isBroken: random() < 0.5 })],
    [6, () => one(badWeather(random))],
    [3, () => one({ do: 'kill', downMs: between(random, 1, 120) * 1000 })],
    [4, () => one({ do: 'kill at', count: between(random, 1, 6), downMs: between(random, 1, 120) * 1000 })],
    [1, () => one({ do: 'set clock', byMs: pick(random, [-3600, -60, 60, 3600, 86_400 * 40]) * 1000 })],
    // What chance alone comes to too seldom.
    [3, () => secondLife(random, volume)],
  ])()
}

const orderNames = [
  'suspend',
  'resume',
  'recreate',
  'restore',
  'restore',
  'go back',
  'undo restore',
  'snapshot now',
  'keep',
  'node is dead',
] as const

const fileOf = (random: Random) =>
  pick(random, [
    ...volumes.map((name) => `${name}.yaml`),
    'of-a.yaml',
    'hourly.yaml',
    'copy.yaml',
    'both.yaml',
  ])

function badWeather(random: Random): Act {
  const kind = pick(random, [
    'unreachable',
    'lostAnswers',
    'late',
    'errors',
    'slow',
    'lostNotices',
    'storeFull',
  ] as const)
  return { do: 'weather', kind, share: pick(random, [0, 0.1, 0.3, 0.7]) }
}

function volumeDocument(random: Random, name: string): Document {
  const policy = pickWeighted<Policy>(random, [
    [3, 'Delete'],
    [1, 'Retain'],
    [1, 'Deregister'],
  ])
  return {
    kind: 'Volume',
    name,
    policy,
    minBytes: between(random, 1, 4) * 1000,
    finalSnapshot: policy === 'Delete' && random() < 0.3,
    secrets: pick(random, ['none', 'token'] as const),
    detachesStale: random() < 0.3,
    isSuspended: random() < 0.05,
  }
}

function write(random: Random): Act {
  const name = pick(random, volumes)
  const policy = pick(random, ['Retain', 'Delete'] as const)
  return pickWeighted<() => Act>(random, [
    [7, () => ({ do: 'write', file: `${name}.yaml`, documents: [volumeDocument(random, name)] })],
    [
      1,
      () => ({
        do: 'write',
        file: 'both.yaml',
        // The second one comes and goes. One in the place of another is a change of identity, which is refused.
        documents: ['d', 'e'].slice(0, between(random, 1, 2)).map((each) => volumeDocument(random, each)),
      }),
    ],
    [
      2,
      () => ({
        do: 'write',
        file: 'of-a.yaml',
        documents: [{ kind: 'Snapshot', name: 'of-a', volume: 'a', policy }],
      }),
    ],
    [
      1,
      () => ({
        do: 'write',
        file: 'copy.yaml',
        documents: [{ ...volumeDocument(random, 'copy'), fromSnapshot: 'of-a' } as Document],
      }),
    ],
    [
      2,
      () => ({
        do: 'write',
        file: 'hourly.yaml',
        documents: [
          {
            kind: 'SnapshotSchedule',
            name: 'hourly',
            volume: 'a',
            everyMinutes: pick(random, [5, 10]),
            keepLast: between(random, 1, 3),
            ...(random() < 0.3 ? { maxAgeMinutes: 30 } : {}),
          },
        ],
      }),
    ],
  ])()
}

/** Declared, written to, ended, and declared once more. */
function secondLife(random: Random, name: string): Act[] {
  const document = volumeDocument(random, name)
  const file = `${name}.yaml`
  const life: Act[] = [
    { do: 'write', file, documents: [document] },
    { do: 'claim', volume: name, node: 'n1' },
    { do: 'stop', volume: name },
    { do: 'remove', file },
  ]
  return [...life, ...life.slice(0, between(random, 1, 4))]
}

/** For people. */
export function describeAct(act: Act): string {
  switch (act.do) {
    case 'write':
      return `a person writes ${act.file}: ${act.documents.map(describeDocument).join('; ') || 'nothing'}`
    case 'remove':
      return `a person removes ${act.file}`
    case 'damage':
      return `${act.file} is ${act.damage}`
    case 'repair':
      return `a person puts ${act.file} right again`
    case 'move':
      return `a person renames ${act.file} to ${act.to}`
    case 'folder':
      return act.to === 'back' ? 'the folder is back' : `the folder is ${act.to}`
    case 'claim':
      return `an allocation on ${act.node} claims volume ${act.volume} and writes`
    case 'stop':
      return `the allocations of volume ${act.volume} stop`
    case 'leave':
      return `the allocations of volume ${act.volume} stop, and Nomad keeps their claims`
    case 'collect':
      return `Nomad forgets the ended allocations of volume ${act.volume}`
    case 'write data':
      return `data is written to volume ${act.volume}`
    case 'deregister':
      return `a person deregisters volume ${act.volume} in Nomad`
    case 'destroy disk':
      return `the disk of volume ${act.volume} is lost at the provider`
    case 'node':
      return `node ${act.node} is ${act.to}`
    case 'destroy snapshot':
      return `a snapshot of volume ${act.of} is lost at the provider`
    case 'order':
      return `a person orders "${act.order}" for volume ${act.volume}`
    case 'plugin':
      return act.isAway ? 'the plugin goes away' : 'the plugin is there'
    case 'detach endpoint':
      return `Nomad's Detach ${act.isBroken ? 'fails' : 'works'}`
    case 'weather':
      return `from now on ${Math.round(act.share * 100)} % of the calls meet: ${act.kind}`
    case 'kill':
      return `Mooring is killed, and starts again after ${act.downMs / 1000} s`
    case 'kill at':
      return `Mooring is killed at its effect number ${act.count} from now, and starts again after ${act.downMs / 1000} s`
    case 'set clock':
      return `the wall clock is set by ${act.byMs / 1000} s`
  }
}

function describeDocument(document: Document): string {
  const { kind, name, ...rest } = document
  const fields = Object.entries(rest).map(([field, value]) => `${field} ${value}`)
  return `${kind} ${name} (${fields.join(', ')})`
}
