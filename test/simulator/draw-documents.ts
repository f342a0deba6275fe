import type { Act } from './acts.ts'
import type { Document, Policy } from './documents.ts'
import { between, pick, pickWeighted, type Random } from './random.ts'

export function volumeDocument(random: Random, name: string): Document {
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

export const writeVolume = (random: Random, name: string): Act => ({
  do: 'write',
  file: `${name}.yaml`,
  documents: [volumeDocument(random, name)],
})

export const writeSnapshot = (policy: 'Retain' | 'Delete'): Act => ({
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

export function writeOther(random: Random): Act {
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
