import type { Act, TimedAct } from './acts.ts'
import { type Damage, damages } from './documents.ts'
import { writeOther, writeVolume } from './draw-documents.ts'
import { between, pick, pickWeighted, type Random } from './random.ts'
import * as scenes from './scenes.ts'

const volumes = ['a', 'b', 'c'] as const
const nodes = ['n1', 'n2'] as const
const second = 1_000
const minute = 60_000

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
  const count = between(random, ...pickWeighted(random, lengths))
  for (let index = 0; index < count; index += 1) {
    const scene = index === 0 ? firstScene(random, hero) : drawScene(random, volume)
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

/** Mostly Mooring makes the volume, and sometimes it finds one that a person has registered. */
const firstScene = (random: Random, name: string): scenes.Scene =>
  random() < 0.05 ? scenes.byHand(random, name) : [writeVolume(random, name)]

function drawScene(random: Random, volume: () => string): scenes.Scene {
  const one = (act: Act): scenes.Scene => [act]
  const name = volume()
  const file =
    random() < 0.7 ? `${name}.yaml` : pick(random, ['of-a.yaml', 'hourly.yaml', 'copy.yaml', 'both.yaml'])
  const who = random() < 0.75 ? 'leader' : 'standby'
  const downMs = between(random, 1, 150) * second
  const node = pick(random, nodes)
  return pickWeighted<() => scenes.Scene>(random, [
    [6, () => one(writeVolume(random, name))],
    [5, () => one(writeOther(random))],
    [4, () => one({ do: 'remove', file })],
    [4, () => one({ do: 'damage', file, damage: pick(random, Object.keys(damages) as Damage[]) })],
    [3, () => one({ do: 'repair', file })],
    [2, () => one({ do: 'move', file, to: `moved-${file}` })],
    [2, () => scenes.folderAway(random)],
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
    [3, () => scenes.storm(random, name)],
    [3, () => one({ do: 'kill', who, downMs })],
    [2, () => one({ do: 'pause', who, downMs })],
    [4, () => one({ do: 'kill at', count: between(random, 1, 6), downMs })],
    [1, () => one({ do: 'set clock', byMs: pick(random, [-3600, -60, 60, 3600, 86_400 * 40]) * second })],
    [4, () => scenes.secondLife(random, name)],
    [2, () => scenes.hesitation(random, name)],
    [2, () => scenes.cancelledEnd(random, name)],
    [1, () => scenes.duplicate(random, name)],
    [3, () => scenes.secondSnapshot(random)],
    [2, () => scenes.restore(random)],
    [2, () => scenes.staleClaim(random, name)],
    [2, () => scenes.loss(random, name)],
    [2, () => scenes.lookAway(random, name)],
    [1, () => scenes.leap(random)],
    [1, () => scenes.unseenLeap(random)],
    [2, () => scenes.strayed(random, name)],
    [1, () => scenes.suspension(random, name)],
    [1, () => scenes.aging(random)],
    [1, () => scenes.keeping(random)],
    [2, () => scenes.finalLife(random, name)],
    [3, () => scenes.lateCreate(random, name)],
    [1, () => scenes.lostCreate(random)],
    [1, () => scenes.byHand(random, name)],
  ])()
}

const orderNames = [
  'suspend',
  'resume',
  'cancel end',
  'recreate',
  'restore',
  'go back',
  'undo restore',
  'snapshot now',
  'keep',
  'node is dead',
] as const

function badWeather(random: Random): Act {
  return { do: 'weather', kind: pick(random, scenes.weathers), share: pick(random, [0, 0.1, 0.3, 0.7]) }
}
