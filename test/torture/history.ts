import fc from 'fast-check'

/** What a history speaks of. A few names only, so that calls meet. */
export const volumeNames = ['alpha', 'beta', 'gamma/ü', 'block'] as const
export const snapshotNames = ['first', 'second', 'third?'] as const
export const groupNames = ['group', 'group 2'] as const
export const targetCount = 3
export const stagingCount = 2

/** The last volume is a block device. */
export const kindOfVolume = (volume: number): 'mount' | 'block' => (volume === 3 ? 'block' : 'mount')

type Source = { readonly type: 'volume' | 'snapshot' | 'member'; readonly index: number } | undefined

/** One thing that a client does. Numbers are indexes into the lists above; `spelling` is one of a path. */
export type Call =
  | {
      readonly do: 'create'
      readonly volume: number
      readonly mebibytes: number
      readonly source: Source
      readonly live: boolean
    }
  | {
      readonly do: 'delete' | 'detach' | 'get' | 'statistics'
      readonly volume: number
      readonly spelling: number
    }
  | { readonly do: 'attach'; readonly volume: number; readonly readonly: boolean }
  | {
      readonly do: 'stage' | 'unstage'
      readonly volume: number
      readonly place: number
      readonly spelling: number
    }
  | {
      readonly do: 'publish' | 'unpublish'
      readonly volume: number
      readonly target: number
      readonly place: number
      readonly spelling: number
      readonly readonly: boolean
    }
  | { readonly do: 'expand'; readonly volume: number; readonly mebibytes: number }
  | { readonly do: 'modify'; readonly volume: number; readonly live: boolean }
  | { readonly do: 'snapshot'; readonly snapshot: number; readonly volume: number; readonly live: boolean }
  | { readonly do: 'delete-snapshot' | 'get-snapshot'; readonly snapshot: number }
  | { readonly do: 'group'; readonly group: number; readonly volumes: readonly number[] }
  | { readonly do: 'delete-group' | 'get-group'; readonly group: number }
  | { readonly do: 'list' }
  | {
      readonly do: 'write'
      readonly volume: number
      readonly target: number
      readonly file: number
      readonly bytes: number
    }

/** SIGKILL at a file operation, counted from the first, or after so many milliseconds. */
export type Death =
  | { readonly operation: number; readonly when: 'before' | 'half' | 'after' }
  | { readonly ms: number }

/** Something that goes wrong at the n-th file operation of a driver's process, or for its whole life. */
export interface Disturbance {
  /** Where it is not reached, the process is killed once every call was answered. undefined: it may end in peace. */
  readonly kill: Death | undefined
  /** Operations that fail, each with its code. */
  readonly failures: ReadonlyArray<{
    readonly operation: number
    readonly count: number
    readonly code: 'ENOSPC' | 'EIO'
  }>
  /** What is left of the file system, where it has one of its own. */
  readonly freeKibibytes: number | undefined
}

/**
 * How a round ends, beside its process. `power-cut`: the disk has what had reached it, as its own file system
 * has it; `files-cut`: what POSIX alone promises, which is less.
 */
export type Aftermath = 'none' | 'power-cut' | 'files-cut' | 'reboot' | 'database-lost' | 'log-lost'

/** One life of a driver: calls by several clients at once, and its end. */
export interface Round {
  /** Lives before this one that end while they start. */
  readonly startDeaths: readonly Death[]
  readonly clients: ReadonlyArray<readonly Call[]>
  readonly disturbance: Disturbance
  readonly aftermath: Aftermath
  /** Which of the things that a cut may do it does. */
  readonly coins: number
}

export type History = readonly Round[]

const volume = fc.nat(volumeNames.length - 1)
const snapshot = fc.nat(snapshotNames.length - 1)
const group = fc.nat(groupNames.length - 1)
const target = fc.nat(targetCount - 1)
const place = fc.nat(stagingCount - 1)
const spelling = fc.nat(7)
const mebibytes = fc.integer({ min: 1, max: 9 })
const seldom = fc.integer({ min: 0, max: 9 }).map((number) => number === 9)

const create = fc.record({
  do: fc.constant('create' as const),
  volume,
  mebibytes,
  source: fc.option(
    fc.record({ type: fc.constantFrom('volume', 'snapshot', 'member'), index: fc.nat(3) } as const),
    { nil: undefined, freq: 2 },
  ),
  live: seldom,
})

const calls: fc.Arbitrary<Call> = fc.oneof(
  { weight: 4, arbitrary: create },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('delete', 'delete', 'detach', 'get', 'statistics'),
      volume,
      spelling,
    } as const),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('attach'), volume, readonly: seldom } as const) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('stage', 'unstage'), volume, place, spelling } as const),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constantFrom('publish', 'unpublish'),
      volume,
      target,
      place,
      spelling,
      readonly: seldom,
    } as const),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expand'), volume, mebibytes } as const) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('modify'), volume, live: fc.boolean() } as const) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('snapshot'), snapshot, volume, live: seldom } as const),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('delete-snapshot', 'delete-snapshot', 'get-snapshot'),
      snapshot,
    } as const),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('group'),
      group,
      volumes: fc.uniqueArray(volume, { minLength: 1, maxLength: 3 }),
    } as const),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('delete-group', 'get-group'), group } as const),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('list') } as const) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('write'),
      volume,
      target,
      file: fc.nat(3),
      bytes: fc.nat(40_000),
    } as const),
  },
)

/** The usual life of a volume, which random calls alone would seldom get through. */
const life = fc
  .record({ volume, target, place, spelling, file: fc.nat(3), bytes: fc.nat(40_000), mebibytes, snapshot })
  .map(({ volume, target, place, spelling, file, bytes, mebibytes, snapshot }): Call[] => {
    const on = { volume, target, place, spelling, readonly: false }
    return [
      { do: 'create', volume, mebibytes, source: undefined, live: false },
      { do: 'attach', volume, readonly: false },
      { do: 'stage', volume, place, spelling },
      { do: 'publish', ...on },
      { do: 'write', volume, target, file, bytes },
      { do: 'unpublish', ...on },
      { do: 'snapshot', snapshot, volume, live: false },
      { do: 'unstage', volume, place, spelling },
      { do: 'detach', volume, spelling },
    ]
  })

/** The end of a volume, from wherever it is. */
const end = fc.record({ volume, spelling }).map(({ volume, spelling }): Call[] => {
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
  return [
    ...numbers(targetCount).map((target) => ({
      do: 'unpublish' as const,
      ...{ volume, target, place: 0, spelling, readonly: false },
    })),
    ...numbers(stagingCount).map((place) => ({ do: 'unstage' as const, volume, place, spelling })),
    { do: 'detach', volume, spelling },
    { do: 'delete', volume, spelling },
  ]
})

const client = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: calls.map((call) => [call]) },
      // Broken off anywhere, so that what it left is there for the others.
      {
        weight: 1,
        arbitrary: fc
          .tuple(life, fc.integer({ min: 2, max: 9 }))
          .map(([steps, last]) => steps.slice(0, last)),
      },
      { weight: 1, arbitrary: end },
    ),
    { minLength: 4, maxLength: 30, size: 'max' },
  )
  .map((parts) => parts.flat())

const disturbance: fc.Arbitrary<Disturbance> = fc.record({
  kill: fc.oneof(
    {
      weight: 7,
      arbitrary: fc.record({
        operation: fc.integer({ min: 1, max: 600 }),
        when: fc.constantFrom('before', 'half', 'after'),
      } as const),
    },
    { weight: 2, arbitrary: fc.record({ ms: fc.integer({ min: 5, max: 1_500 }) }) },
    { weight: 2, arbitrary: fc.constant(undefined) },
  ),
  failures: fc.array(
    fc.record({
      operation: fc.integer({ min: 1, max: 600 }),
      count: fc.constantFrom(1, 1, 3, 1_000),
      code: fc.constantFrom('ENOSPC', 'EIO'),
    } as const),
    { maxLength: 2 },
  ),
  freeKibibytes: fc.option(fc.integer({ min: 0, max: 600 }), { nil: undefined, freq: 6 }),
})

const startDeath = fc.record({
  operation: fc.integer({ min: 1, max: 60 }),
  when: fc.constantFrom('before', 'half', 'after'),
} as const)

const round: fc.Arbitrary<Round> = fc.record({
  startDeaths: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(startDeath, { minLength: 1, maxLength: 2 }) },
  ),
  clients: fc.array(client, { minLength: 2, maxLength: 3 }),
  disturbance,
  aftermath: fc.oneof(
    { weight: 6, arbitrary: fc.constant<Aftermath>('none') },
    { weight: 2, arbitrary: fc.constant<Aftermath>('power-cut') },
    { weight: 2, arbitrary: fc.constant<Aftermath>('files-cut') },
    { weight: 1, arbitrary: fc.constantFrom<Aftermath>('reboot', 'database-lost', 'log-lost') },
  ),
  coins: fc.nat(),
})

/** A history of this many rounds at most. It shrinks to fewer rounds, fewer calls and fewer disturbances. */
export const histories = (maxRounds: number): fc.Arbitrary<History> =>
  fc.array(round, { minLength: Math.min(maxRounds, 4), maxLength: maxRounds, size: 'max' })
