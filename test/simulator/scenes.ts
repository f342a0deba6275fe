/** Acts that belong together: stories in which something once went wrong, or might. */
import type { Act } from './acts.ts'
import { type Damage, type Document, damages } from './documents.ts'
import { volumeDocument, writeSnapshot, writeVolume } from './draw-documents.ts'
import { between, pick, type Random } from './random.ts'

const second = 1_000
const minute = 60_000

/** Each act with the time until the next one; undefined: any. */
export type Scene = readonly (Act | readonly [Act, untilNextMs: number])[]

export const weathers = [
  'unreachable',
  'lostAnswers',
  'late',
  'errors',
  'leaderLost',
  'slow',
  'lostNotices',
  'storeFull',
] as const

/** The folder goes away, and something may happen until it is back. */
export function folderAway(random: Random, isKilled = false): Scene {
  const to = pick(random, ['unmounted', 'gone', 'unreadable'] as const)
  const away: Act = { do: 'folder', to }
  const kill: Act = { do: 'kill', who: 'leader', downMs: between(random, 1, 60) * second }
  return [
    ...(isKilled ? ([[away, between(random, 0, 10) * second], kill] as const) : [away]),
    { do: 'folder', to: 'back' },
  ]
}

/** Bad weather, something that has to be done in it, and maybe a crash. */
export function storm(random: Random, name: string): Scene {
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
export function leap(random: Random): Scene {
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
export function secondLife(random: Random, name: string): Scene {
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
export function hesitation(random: Random, name: string): Scene {
  const write = writeVolume(random, name)
  return [
    [write, 10 * second],
    [{ do: 'claim', volume: name, node: 'n1' }, 5 * second],
    [{ do: 'stop', volume: name }, 5 * second],
    [{ do: 'remove', file: `${name}.yaml` }, between(random, 55_000, 70_000)],
    [write, pick(random, [10, 60]) * second],
    [{ do: 'claim', volume: name, node: 'n2' }, 5 * second],
    { do: 'stop', volume: name },
    ...(random() < 0.5 ? [{ do: 'remove', file: `${name}.yaml` } as const] : []),
  ]
}

/** Removed, to be deleted; and a person cancels that, mostly before the delete is sent. */
export function cancelledEnd(random: Random, name: string): Scene {
  const file = `${name}.yaml`
  const document = volumeDocument(random, name)
  const documents = [document.kind === 'Volume' ? { ...document, policy: 'Delete' as const } : document]
  return [
    [{ do: 'write', file, documents }, 30 * second],
    [{ do: 'remove', file }, between(random, 20_000, 64_000)],
    [{ do: 'order', order: 'cancel end', volume: name }, pick(random, [1, 150]) * second],
    ...(random() < 0.7 ? [{ do: 'write', file, documents } as const] : []),
  ]
}

/** A copy of a declaration, with another policy, that comes and goes beside the first one. */
export function duplicate(random: Random, name: string): Scene {
  const file = 'twin.yaml'
  return [
    [writeVolume(random, name), 60 * second],
    { do: 'duplicate', file, documents: [volumeDocument(random, name)] },
    { do: 'remove', file: random() < 0.7 ? file : `${name}.yaml` },
  ]
}

/** A snapshot that is declared, removed and declared again, with writes between. */
export function secondSnapshot(random: Random): Scene {
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

export function restore(random: Random): Scene {
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
export function staleClaim(random: Random, name: string): Scene {
  const document = { ...volumeDocument(random, name), detachesStale: true } as Document
  return [
    { do: 'detach endpoint', isBroken: random() < 0.3 },
    [{ do: 'write', file: `${name}.yaml`, documents: [document] }, 10 * second],
    [{ do: 'claim', volume: name, node: 'n1' }, pick(random, [5, 5, 120, 300]) * second],
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
export function loss(random: Random, name: string): Scene {
  return [
    [writeVolume(random, name), pick(random, [10, 400]) * second],
    [{ do: 'deregister', volume: name }, between(random, 0, 2) * second],
    ...(random() < 0.7 ? [[{ do: 'destroy disk', volume: name }, 300 * second] as const] : []),
    ...(random() < 0.5 ? [{ do: 'order', order: 'recreate', volume: name } as const] : []),
  ]
}

/** Nobody of Mooring looks for a while, in which a declaration goes and comes. */
export function lookAway(random: Random, name: string): Scene {
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

/** A file is damaged and renamed, or renamed and damaged. Its folder may be away then, while another process takes over. */
export function strayed(random: Random, name: string): Scene {
  const file = `${name}.yaml`
  const to = `moved-${file}`
  const move: Act = { do: 'move', file, to }
  const kind = pick(random, Object.keys(damages) as Damage[])
  return [
    [writeVolume(random, name), 30 * second],
    ...(random() < 0.5
      ? ([[{ do: 'damage', file, damage: kind }, between(random, 0, 90) * second], move] as const)
      : ([[move, between(random, 0, 3) * second], { do: 'damage', file: to, damage: kind }] as const)),
    ...(random() < 0.5 ? folderAway(random, random() < 0.7) : []),
  ]
}

/** A person suspends a volume, and changes its declaration long after. */
export function suspension(random: Random, name: string): Scene {
  return [
    [writeVolume(random, name), 10 * second],
    [{ do: 'order', order: 'suspend', volume: name }, pick(random, [60, 660]) * second],
    random() < 0.7 ? writeVolume(random, name) : { do: 'deregister', volume: name },
    ...(random() < 0.3 ? [{ do: 'order', order: 'resume', volume: name } as const] : []),
  ]
}

const writeSchedule = (keepLast: number, maxAgeMinutes?: number): Act => ({
  do: 'write',
  file: 'hourly.yaml',
  documents: [
    {
      ...{ kind: 'SnapshotSchedule' as const, name: 'hourly', volume: 'a', everyMinutes: 5, keepLast },
      ...(maxAgeMinutes === undefined ? {} : { maxAgeMinutes }),
    },
  ],
})

/** Snapshots grow old, and no new ones are taken. */
export function aging(random: Random): Scene {
  const end = pick<Act>(random, [
    { do: 'destroy disk', volume: 'a' },
    { do: 'order', order: 'suspend', volume: 'a' },
    { do: 'plugin', isAway: true },
  ])
  return [
    [writeVolume(random, 'a'), 5 * second],
    [writeSchedule(between(random, 1, 2), 6), between(random, 6, 11) * minute],
    [end, between(random, 8, 10) * minute],
    ...(end.do === 'plugin' ? [{ do: 'plugin' as const, isAway: false }] : []),
  ]
}

/** A person keeps a snapshot that retention would let expire. */
export function keeping(random: Random): Scene {
  return [
    [writeVolume(random, 'a'), 5 * second],
    [writeSchedule(1), between(random, 6, 10) * minute],
    [{ do: 'order', order: 'keep', volume: 'a' }, between(random, 6, 12) * minute],
  ]
}

/** The clock is set while nobody of Mooring looks, and perhaps right again later. */
export function unseenLeap(random: Random): Scene {
  const byMs = pick(random, [900, 3600, 80_000]) * second
  return [
    [writeVolume(random, 'a'), 5 * second],
    [writeSchedule(3), between(random, 6, 11) * minute],
    [{ do: 'kill', who: 'leader', downMs: 20 * second }, 5 * second],
    [{ do: 'set clock', byMs }, between(random, 6, 12) * minute],
    ...(random() < 0.7 ? [{ do: 'set clock' as const, byMs: -byMs }] : []),
  ]
}

/** Its end takes a final snapshot and is called off; then it is written to, and ends once more. */
export function finalLife(random: Random, name: string): Scene {
  const document = {
    ...volumeDocument(random, name),
    ...{ policy: 'Delete', finalSnapshot: true, isSuspended: false },
  } as Document
  const write: Act = { do: 'write', file: `${name}.yaml`, documents: [document] }
  const use: Scene = [
    [write, 10 * second],
    [{ do: 'claim', volume: name, node: 'n1' }, 5 * second],
    [{ do: 'stop', volume: name }, 5 * second],
  ]
  const remove: Act = { do: 'remove', file: `${name}.yaml` }
  return [...use, [remove, between(random, 60, 95) * second], ...use, remove]
}

/** A new volume whose create is answered late or not at all, and which is removed before anybody knows of it. */
export function lostCreate(random: Random): Scene {
  const document = { ...volumeDocument(random, 'f'), policy: 'Delete', isSuspended: false } as Document
  return [
    [{ do: 'weather', kind: pick(random, ['late', 'lostAnswers', 'leaderLost']), share: 0.7 }, 0],
    [{ do: 'write', file: 'f.yaml', documents: [document] }, between(random, 1, 20) * second],
    [{ do: 'remove', file: 'f.yaml' }, between(random, 60, 120) * second],
    ...(['late', 'lostAnswers', 'leaderLost'] as const).map(
      (kind) => ({ do: 'weather', kind, share: 0 }) as const,
    ),
  ]
}

/** A create comes late, and whoever sent it is killed. */
export function lateCreate(random: Random, name: string): Scene {
  return [
    [{ do: 'weather', kind: pick(random, ['late', 'late', 'lostAnswers', 'leaderLost']), share: 0.7 }, 0],
    [writeVolume(random, name), between(random, 0, 3) * second],
    ...(random() < 0.5
      ? [[{ do: 'kill', who: 'leader', downMs: between(random, 1, 20) * second }, 5 * second] as const]
      : []),
    [
      random() < 0.5 ? writeVolume(random, name) : { do: 'remove', file: `${name}.yaml` },
      between(random, 0, 300) * second,
    ],
    ...(['late', 'lostAnswers', 'leaderLost'] as const).map(
      (kind) => ({ do: 'weather', kind, share: 0 }) as const,
    ),
  ]
}

/** A person has registered the volume before it is declared, and the declaration may say nothing of its secrets. */
export function byHand(random: Random, name: string): Scene {
  const { secrets: _, ...document } = { secrets: undefined, ...volumeDocument(random, name) }
  return [
    [{ do: 'register by hand', volume: name }, between(random, 0, 20) * second],
    random() < 0.5
      ? writeVolume(random, name)
      : { do: 'write', file: `${name}.yaml`, documents: [document as Document] },
  ]
}
