import { between, pick, pickWeighted, type Random } from '../random.ts'
import type { Weather } from '../world/network.ts'
import type { DiskState } from './disk.ts'
import { type ClientRequest, describeRequest } from './requests.ts'

/** One thing that a client, the machine or fate does. Plain data, so that a history can be shortened. */
export type ServerAct =
  | { readonly do: 'request'; readonly request: ClientRequest }
  | { readonly do: 'kill' | 'cut power'; readonly downMs: number }
  /** At the n-th call of the plugin, commit or sync from now. */
  | {
      readonly do: 'kill at'
      readonly count: number
      readonly isPowerCut: boolean
      readonly downMs: number
    }
  | { readonly do: 'plugin'; readonly isAway: boolean }
  | {
      readonly do: 'weather'
      readonly where: 'clients' | 'plugin'
      readonly kind: keyof Weather
      readonly share: number
    }
  | { readonly do: 'disk'; readonly state: DiskState }
  | { readonly do: 'unmount'; readonly target: string }
  | { readonly do: 'set clock'; readonly byMs: number }

export interface TimedServerAct {
  readonly atMs: number
  readonly act: ServerAct
}

/** For people. */
export function describeServerAct(act: ServerAct): string {
  switch (act.do) {
    case 'request':
      return `a client asks: ${describeRequest(act.request)}`
    case 'kill':
      return `the server is killed, and starts again after ${act.downMs / 1000} s`
    case 'cut power':
      return `the power of the server's machine is cut for ${act.downMs / 1000} s`
    case 'kill at':
      return `at its ${act.count}. call, commit or sync from now ${act.isPowerCut ? 'the power is cut' : 'the server is killed'}, for ${act.downMs / 1000} s`
    case 'plugin':
      return act.isAway ? 'the plugin goes away' : 'the plugin is there'
    case 'weather':
      return `from now on ${Math.round(act.share * 100)} % of the calls of the ${act.where === 'plugin' ? 'plugin' : 'server'} meet: ${act.kind}`
    case 'disk':
      return `the server's disk is ${act.state}`
    case 'unmount':
      return `somebody unmounts ${act.target}`
    case 'set clock':
      return `the wall clock is set by ${act.byMs / 1000} s`
  }
}

const volumes = ['a', 'b', 'c']
const targets = ['t1', 't2']
const secondMs = 1000

/** Draws what happens within some minutes. */
export function planServerActs(random: Random): TimedServerAct[] {
  const acts: TimedServerAct[] = []
  let atMs = 0
  const count = between(random, 8, 30)
  for (let index = 0; index < count; index += 1) {
    // Some come together, some after everything before has ended.
    const pauseMs = pick(random, [0, 5, 50, 500, 3 * secondMs, 20 * secondMs])
    for (const act of drawScene(random)) {
      atMs += pauseMs
      acts.push({ atMs, act })
    }
  }
  return acts
}

/** What people do in a row, one act alone, or something that is cut short in the middle. */
function drawScene(random: Random): ServerAct[] {
  const volume = pick(random, volumes)
  const request = (asked: ClientRequest): ServerAct => ({ do: 'request', request: asked })
  const create = request({ ask: 'create', volume, name: '1', minBytes: 1000, isShared: false })
  const target = pick(random, targets)
  const claim = request({ ask: 'claim', volume, target, isReadOnly: false })
  const cutShort: ServerAct = {
    do: 'kill at',
    count: between(random, 1, 10),
    isPowerCut: random() < 0.5,
    downMs: pick(random, [100, 2 * secondMs]),
  }
  return pickWeighted<() => ServerAct[]>(random, [
    [20, () => [drawAct(random)]],
    [2, () => [cutShort, request(drawRequest(random))]],
    [1, () => [create, cutShort, claim]],
    [
      1,
      () => [
        create,
        { do: 'weather', where: 'plugin', kind: 'slow', share: 0.6 },
        cutShort,
        request({ ask: 'delete', volume }),
      ],
    ],
    [1, () => [create, claim, request({ ask: 'delete', volume })]],
    [
      0.5,
      () => [
        create,
        claim,
        request({ ask: 'claim', volume, target: pick(random, targets), isReadOnly: false }),
      ],
    ],
    [
      0.7,
      () => {
        const other = pick(random, volumes)
        return [
          create,
          request({ ask: 'deregister', volume, isForced: false }),
          request({ ask: 'register', volume: other, of: volume, isShared: false }),
          create,
        ]
      },
    ],
    [
      0.6,
      () => [
        create,
        { do: 'disk', state: 'failing' },
        request({ ask: 'create', volume: pick(random, volumes), name: '1', minBytes: 1000, isShared: false }),
        request({ ask: 'deregister', volume, isForced: false }),
        { do: 'cut power', downMs: 100 },
        { do: 'disk', state: 'well' },
      ],
    ],
    // A restart finds what was written, and then the power is cut before any sync.
    [
      0.7,
      () => [
        { do: 'kill at', count: between(random, 1, 3), isPowerCut: false, downMs: 100 },
        create,
        { do: 'kill at', count: between(random, 1, 6), isPowerCut: true, downMs: 100 },
      ],
    ],
    [0.7, () => [request({ ask: 'list' }), request({ ask: 'wait', waitMs: 120_000 }), create]],
  ])()
}

function drawAct(random: Random): ServerAct {
  const downMs = pick(random, [100, 2 * secondMs, 20 * secondMs])
  return pickWeighted<() => ServerAct>(random, [
    [30, () => ({ do: 'request', request: drawRequest(random) })],
    [1.2, () => ({ do: 'kill', downMs })],
    [1, () => ({ do: 'cut power', downMs })],
    [3, () => ({ do: 'kill at', count: between(random, 1, 12), isPowerCut: random() < 0.5, downMs })],
    [1, () => ({ do: 'plugin', isAway: random() < 0.4 })],
    [2, () => drawWeather(random)],
    [
      0.6,
      () => ({
        do: 'disk',
        state: pickWeighted<DiskState>(random, [
          [3, 'well'],
          [1, 'full'],
          [1, 'failing'],
        ]),
      }),
    ],
    [0.5, () => ({ do: 'unmount', target: pick(random, targets) })],
    [0.3, () => ({ do: 'set clock', byMs: pick(random, [-1, 1]) * 3_600_000 })],
  ])()
}

function drawWeather(random: Random): ServerAct {
  const where = pick(random, ['clients', 'plugin'] as const)
  const kinds: (keyof Weather)[] = ['unreachable', 'lostAnswers', 'late', 'slow']
  if (where === 'plugin') kinds.push('errors')
  return { do: 'weather', where, kind: pick(random, kinds), share: pick(random, [0, 0, 0.2, 0.6]) }
}

function drawRequest(random: Random): ClientRequest {
  const volume = pick(random, volumes)
  const isShared = random() < 0.15
  return pickWeighted<() => ClientRequest>(random, [
    [
      10,
      () => ({
        ask: 'create',
        volume,
        name: random() < 0.85 ? '1' : '2',
        minBytes: pick(random, [1000, 1000, 1000, 9000]),
        isShared,
      }),
    ],
    [3, () => ({ ask: 'register', volume, of: random() < 0.6 ? volume : pick(random, volumes), isShared })],
    [2, () => ({ ask: 'deregister', volume, isForced: random() < 0.3 })],
    [5, () => ({ ask: 'delete', volume })],
    [8, () => ({ ask: 'claim', volume, target: pick(random, targets), isReadOnly: random() < 0.2 })],
    [5, () => ({ ask: 'release', volume })],
    [2, () => ({ ask: 'detach', volume })],
    [1, () => ({ ask: 'snapshot', volume, name: `snapshot-${volume}` })],
    [3, () => ({ ask: 'read', volume })],
    [3, () => ({ ask: 'list' })],
    [2, () => ({ ask: 'claims' })],
    [3, () => ({ ask: 'wait', waitMs: pick(random, [10_000, 120_000]) })],
  ])()
}
