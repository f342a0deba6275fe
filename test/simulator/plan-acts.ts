import type { Act, TimedAct } from './acts.ts'
import { type Damage, type Document, damages, type Policy } from './documents.ts'
import { between, pick, pickWeighted, type Random } from './random.ts'

const volumes = ['a', 'b', 'c'] as const
const nodes = ['n1', 'n2'] as const
const second = 1_000
const minute = 60_000

/** Acts that belong together, each with the time until the next one; undefined: any. */
type Scene = readonly (Act | readonly [Act, untilNextMs: number])[]

/** Scenes of a history, from and to: what goes wrong mostly takes a few acts, so most histories are short. */
const lengths: readonly (readonly [number, readonly [number, number]])[] = [
  [6, [2, 4]],
  [3, [4, 9]],
  [1, [9, 16]],
]

/** A random life of a few volumes. Most of it is about one of them, so that acts meet. */
export function planActs(random: Random, replicas: 1 | 2): TimedAct[] {
  const hero = pick(random, volumes)
  const volume = () => (random() < 0.7 ? hero : pick(random, volumes))
  const acts: TimedAct[] = []
  let atMs = 0
  const scenes = between(random, ...pickWeighted(random, lengths))
  for (let index = 0; index < scenes; index += 1) {
    const scene = index === 0 ? [writeVolume(random, hero)] : drawScene(random, volume)
    for (const part of scene) {
      const [act, untilNextMs] = Array.isArray(part) ? part : [part as Act, untilNext(random)]
      acts.push({ atMs, act })
      atMs += untilNextMs
    }
  }
  if (replicas === 2) acts.push(...pauseAmidWork(random, hero, atMs))
  return acts
}

/** The leader stops in the middle of work, for longer than its Lease, and goes on with it. */
function pauseAmidWork(random: Random, name: string, atMs: number): TimedAct[] {
  const pauseMs = between(random, 0, 3 * second)
  return [
    { atMs, act: { do: 'weather', kind: 'slow', share: pick(random, [0, 0.7]) } },
    { atMs: atMs + second, act: writeVolume(random, name) },
    { atMs: atMs + second + pauseMs, act: { do: 'pause', who: 'leader', downMs: 4 * minute } },
    { atMs: atMs + 6 * minute, act: { do: 'weather', kind: 'slow', share: 0 } },
  ]
}

/** Some acts come on each other's heels, others when everything has been dealt with. */
function untilNext(random: Random): number {
  return pickWeighted(random, [
    [4, () => between(random, 0, 2 * second)],
    [4, () => between(random, 2 * second, 90 * second)],
    [2, () => between(random, 2, 6) * minute],
  ])()
}

function drawScene(random: Random, volume: () => string): Scene {
  const one = (act: Act): Scene => [act]
  const name = volume()
  const file =
    random() < 0.7 ? `${name}.yaml` : pick(random, ['of-a.yaml', 'hourly.yaml', 'copy.yaml', 'both.yaml'])
  const who = random() < 0.75 ? 'leader' : 'standby'
  const downMs = between(random, 1, 150) * second
  const node = pick(random, nodes)
  return pickWeighted<() => Scene>(random, [
    [6, () => one(writeVolume(random, name))],
    [5, () => one(writeOther(random))],
    [4, () => one({ do: 'remove', file })],
    [4, () => one({ do: 'damage', file, damage: pick(random, Object.keys(damages) as Damage[]) })],
    [3, () => one({ do: 'repair', file })],
    [2, () => one({ do: 'move', file, to: `moved-${file}` })],
    [2, () => folderAway(random)],
    [3, () => one({ do: 'claim', volume: name, node })],
    [5, () => one({ do: pick(random, ['stop', 'leave', 'collect', 'write data'] as const), volume: name })],
    [3, () => one({ do: pick(random, ['deregister', 'destroy disk'] as const), volume: name })],
    [1, () => one({ do: 'destroy snapshot', of: name })],
    [1, () => one({ do: 'register by hand', volume: name })],
    [2, () => one({ do: 'node', node, to: pick(random, ['partitioned', 'dead', 'back'] as const) })],
    [5, () => one({ do: 'order', order: pick(random, orderNames), volume: name })],
    [2, () => one({ do: 'plugin', isAway: random() < 0.4 })],
    [1, () => one({ do: 'detach endpoint', isBroken: random() < 0.5 })],
    [4, () => one(badWeather(random))],
    [3, () => storm(random, name)],
    [3, () => one({ do: 'kill', who, downMs })],
    [2, () => one({ do: 'pause', who, downMs })],
    [4, () => one({ do: 'kill at', count: between(random, 1, 6), downMs })],
    [1, () => one({ do: 'set clock', byMs: pick(random, [-3600, -60, 60, 3600, 86_400 * 40]) * second })],
    [4, () => secondLife(random, name)],
    [2, () => hesitation(random, name)],
    [1, () => duplicate(random, name)],
    [3, () => secondSnapshot(random)],
    [2, () => restore(random)],
    [2, () => staleClaim(random, name)],
    [2, () => loss(random, name)],
    [2, () => lookAway(random, name)],
    [1, () => leap(random)],
  ])()
}

const orderNames = [
  'suspend',
  'resume',
  'recreate',
  'restore',
  'go back',
  'undo restore',
  'snapshot now',
  'keep',
  'node is dead',
] as const

const weathers = ['unreachable', 'lostAnswers', 'late', 'errors', 'slow', 'lostNotices', 'storeFull'] as const

function badWeather(random: Random): Act {
  return { do: 'weather', kind: pick(random, weathers), share: pick(random, [0, 0.1, 0.3, 0.7]) }
}

function volumeDocument(random: Random, name: string): Document {
  const policy = pickWeighted<Policy>(random, [
    [3, 'Delete'],
    [1, 'Retain'],
    [1, 'Deregister'],
  ])
  const secrets = pickWeighted(random, [
    [4, 'none' as const],
    [4, 'token' as const],
    [1, undefined],
  ])
  return {
    kind: 'Volume',
    name,
    policy,
    minBytes: between(random, 1, 4) * 1000,
    finalSnapshot: policy === 'Delete' && random() < 0.3,
    ...(secrets === undefined ? {} : { secrets }),
    detachesStale: random() < 0.3,
    isSuspended: random() < 0.05,
  }
}

const writeVolume = (random: Random, name: string): Act => ({
  do: 'write',
  file: `${name}.yaml`,
  documents: [volumeDocument(random, name)],
})

const writeSnapshot = (policy: 'Retain' | 'Delete'): Act => ({
  do: 'write',
  file: 'of-a.yaml',
  documents: [{ kind: 'Snapshot', name: 'of-a', volume: 'a', policy }],
})

function writeSchedule(random: Random): Act {
  return {
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
  }
}

function writeOther(random: Random): Act {
  return pickWeighted<() => Act>(random, [
    // The second one comes and goes. One in the place of another is a change of identity, which is refused.
    [
      1,
      () => ({
        do: 'write',
        file: 'both.yaml',
        documents: ['d', 'e'].slice(0, between(random, 1, 2)).map((each) => volumeDocument(random, each)),
      }),
    ],
    [2, () => writeSnapshot(pick(random, ['Retain', 'Delete'] as const))],
    [
      1,
      () => ({
        do: 'write',
        file: 'copy.yaml',
        documents: [{ ...volumeDocument(random, 'copy'), fromSnapshot: 'of-a' } as Document],
      }),
    ],
    [2, () => writeSchedule(random)],
  ])()
}

/** The folder goes away, and something may happen until it is back. */
function folderAway(random: Random): Scene {
  const to = pick(random, ['unmounted', 'gone', 'unreadable'] as const)
  return [
    { do: 'folder', to },
    { do: 'folder', to: 'back' },
  ]
}

/** Bad weather, something that has to be done in it, and maybe a crash. */
function storm(random: Random, name: string): Scene {
  const kind = pick(random, weathers)
  const share = pick(random, [0.3, 0.7])
  const kill: Act = { do: 'kill at', count: between(random, 1, 4), downMs: between(random, 1, 60) * second }
  return [
    [{ do: 'weather', kind, share }, between(random, 0, 2) * second],
    ...(random() < 0.5 ? [[kill, 0] as const] : []),
    random() < 0.6 ? writeVolume(random, name) : { do: 'remove', file: `${name}.yaml` },
    { do: 'weather', kind, share: 0 },
  ]
}

/** Snapshots by a schedule, and a clock that somebody sets, and perhaps sets right again. */
function leap(random: Random): Scene {
  const byMs = pick(random, [-86_400, -3600, 3600, 86_400 * 40]) * second
  const document = {
    ...{ kind: 'SnapshotSchedule' as const, name: 'hourly', volume: 'a', everyMinutes: 5 },
    ...{ keepLast: 3, maxAgeMinutes: 30 },
  }
  return [
    [writeVolume(random, 'a'), 10 * second],
    [{ do: 'write', file: 'hourly.yaml', documents: [document] }, between(random, 8, 16) * minute],
    [{ do: 'set clock', byMs }, between(random, 1, 6) * minute],
    ...(random() < 0.5 ? [{ do: 'set clock' as const, byMs: -byMs }] : []),
  ]
}

/** Declared, written to, ended, and declared once more, as far as it goes. */
function secondLife(random: Random, name: string): Scene {
  const file = `${name}.yaml`
  const document = volumeDocument(random, name)
  const life: Scene = [
    [{ do: 'write', file, documents: [document] }, 10 * second],
    [{ do: 'claim', volume: name, node: 'n1' }, 5 * second],
    [{ do: 'stop', volume: name }, 5 * second],
    [{ do: 'remove', file }, pick(random, [30, 70, 100, 240]) * second],
  ]
  return [...life, ...life.slice(0, between(random, 1, 4))]
}

/** Removed, and put back while the end is under way. */
function hesitation(random: Random, name: string): Scene {
  const write = writeVolume(random, name)
  return [
    [write, 10 * second],
    [{ do: 'claim', volume: name, node: 'n1' }, 5 * second],
    [{ do: 'stop', volume: name }, 5 * second],
    [{ do: 'remove', file: `${name}.yaml` }, between(random, 55_000, 70_000)],
    [write, pick(random, [10, 60]) * second],
    [{ do: 'claim', volume: name, node: 'n2' }, 5 * second],
    { do: 'stop', volume: name },
  ]
}

/** A copy of a declaration, with another policy, that comes and goes beside the first one. */
function duplicate(random: Random, name: string): Scene {
  const file = 'twin.yaml'
  return [
    [writeVolume(random, name), 60 * second],
    { do: 'duplicate', file, documents: [volumeDocument(random, name)] },
    { do: 'remove', file: random() < 0.7 ? file : `${name}.yaml` },
  ]
}

/** A snapshot that is declared, removed and declared again, with writes between. */
function secondSnapshot(random: Random): Scene {
  const policy = pick(random, ['Retain', 'Delete'] as const)
  return [
    [writeVolume(random, 'a'), 10 * second],
    [writeSnapshot(policy), 60 * second],
    [{ do: 'remove', file: 'of-a.yaml' }, pick(random, [30, 240, 600]) * second],
    [{ do: 'claim', volume: 'a', node: 'n1' }, 5 * second],
    [{ do: 'stop', volume: 'a' }, 5 * second],
    writeSnapshot(policy),
  ]
}

function restore(random: Random): Scene {
  return [
    [writeVolume(random, 'a'), 10 * second],
    [writeSnapshot('Retain'), 30 * second],
    [{ do: 'claim', volume: 'a', node: 'n1' }, 5 * second],
    [{ do: 'stop', volume: 'a' }, between(random, 0, 5) * second],
    ...(random() < 0.5 ? [[{ do: 'kill at', count: between(random, 1, 9), downMs: 5_000 }, 0] as const] : []),
    [{ do: 'order', order: 'restore', volume: 'a' }, between(random, 0, 60) * second],
    { do: 'order', order: pick(random, ['go back', 'undo restore', 'restore'] as const), volume: 'a' },
  ]
}

/** A claim that stays when its allocation is gone, on a node that may be. */
function staleClaim(random: Random, name: string): Scene {
  const document = { ...volumeDocument(random, name), detachesStale: true } as Document
  return [
    [{ do: 'write', file: `${name}.yaml`, documents: [document] }, 10 * second],
    [{ do: 'claim', volume: name, node: 'n1' }, 5 * second],
    [
      random() < 0.5
        ? { do: 'leave', volume: name }
        : { do: 'node', node: 'n1', to: pick(random, ['partitioned', 'dead'] as const) },
      between(random, 0, 60) * second,
    ],
    ...(random() < 0.5 ? [[{ do: 'collect', volume: name }, between(random, 0, 60) * second] as const] : []),
    ...(random() < 0.3 ? [{ do: 'order', order: 'node is dead', volume: name } as const] : []),
    { do: 'node', node: 'n1', to: 'back' },
  ]
}

/** The disk or Nomad's record is lost, and perhaps a person orders a new one. */
function loss(random: Random, name: string): Scene {
  return [
    [writeVolume(random, name), pick(random, [10, 400]) * second],
    [{ do: 'deregister', volume: name }, between(random, 0, 2) * second],
    ...(random() < 0.7 ? [[{ do: 'destroy disk', volume: name }, 300 * second] as const] : []),
    ...(random() < 0.5 ? [{ do: 'order', order: 'recreate', volume: name } as const] : []),
  ]
}

/** Nobody of Mooring looks for a while, in which a declaration goes and comes. */
function lookAway(random: Random, name: string): Scene {
  const write = writeVolume(random, name)
  const remove: Act = { do: 'remove', file: `${name}.yaml` }
  return [
    [write, 60 * second],
    [remove, between(random, 0, 5) * second],
    [{ do: 'kill', who: 'leader', downMs: 60_000 }, between(random, 0, 40) * second],
    [write, between(random, 20, 200) * second],
    ...(random() < 0.5 ? [remove] : []),
  ]
}
