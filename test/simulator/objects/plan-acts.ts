import type { Act, TimedAct } from '../acts.ts'
import { writeVolume } from '../draw-documents.ts'
import { planActs } from '../plan-acts.ts'
import { between, pick, pickWeighted, type Random } from '../random.ts'
import { duplicate, type Scene } from '../scenes.ts'
import type { ObjectAct } from './acts.ts'

const second = 1_000
/** Only files have these. */
const ofFiles: ReadonlySet<Act['do']> = new Set(['damage', 'repair', 'move', 'folder'])
const files = ['a.yaml', 'b.yaml', 'c.yaml', 'of-a.yaml', 'hourly.yaml'] as const

/** The same lives as with files. In the place of what happens to files, and at other moments, something happens to objects. */
export function planObjectActs(random: Random, replicas: 1 | 2): TimedAct[] {
  const acts = planActs(random, replicas).flatMap(({ atMs, act }) =>
    ofFiles.has(act.do) ? drawActs(random, atMs) : [{ atMs, act }],
  )
  const lastMs = acts.at(-1)?.atMs ?? 0
  const more = Array.from({ length: between(random, 0, 4) }, () => {
    // Close to something else, so that acts meet.
    const near = pick(random, acts).atMs
    return drawActs(random, near + between(random, 0, pick(random, [2, 20, 120])) * second)
  })
  return [...acts, ...more.flat()]
    .map((each) => ({ ...each, atMs: Math.min(each.atMs, lastMs + 600 * second) }))
    .sort((one, other) => one.atMs - other.atMs)
}

/** A volume is written anew. */
const quick = (random: Random, atMs: number, file: string): TimedAct[] =>
  file.length === 'a.yaml'.length ? [{ atMs, act: writeVolume(random, file.slice(0, 1)) }] : []

function inFollowing(scene: Scene, fromMs: number): TimedAct[] {
  let atMs = fromMs
  return scene.map((part) => {
    const [act, untilNextMs] = Array.isArray(part) ? part : [part as Act, 90 * second]
    const timed = { atMs, act }
    atMs += untilNextMs
    return timed
  })
}

/** One thing that happens, and what may follow from it. */
function drawActs(random: Random, atMs: number): TimedAct[] {
  const later = (fromMs: number, toMs: number, act: Act) => ({
    atMs: atMs + between(random, fromMs, toMs),
    act,
  })
  const server = (to: Extract<ObjectAct, { do: 'api server' }>['to'], forSeconds: number): TimedAct[] => [
    { atMs, act: { do: 'api server', to } },
    later(second, forSeconds * second, { do: 'api server', to: 'well' }),
  ]
  const file = pick(random, files)
  const object = (to: Extract<ObjectAct, { do: 'object' }>['to']): Act => ({ do: 'object', to, file })
  return pickWeighted<() => TimedAct[]>(random, [
    [3, () => server('away', 240)],
    [2, () => server('failing', 240)],
    [3, () => server('behind', 400)],
    [3, () => [{ atMs, act: { do: 'api server', to: 'cut off' } }]],
    [3, () => [{ atMs, act: { do: 'api server', to: 'compacted' } }]],
    // The connections break, and what is missed meanwhile may expire.
    [
      4,
      () => [
        { atMs, act: { do: 'api server', to: 'cut off' } },
        later(0, 300, { do: 'remove', file }),
        later(100, 400, object(pick(random, ['let go', 'replaced', 'touched'] as const))),
        ...(random() < 0.5 ? [later(300, 500, { do: 'api server', to: 'compacted' })] : []),
      ],
    ],
    // An end is done, and a process starts that lists what was before.
    [
      3,
      () => [
        { atMs, act: { do: 'api server', to: 'behind' } },
        later(0, 5 * second, { do: 'remove', file }),
        later(8 * second, 40 * second, {
          do: 'kill',
          who: 'leader',
          downMs: between(random, 1, 10) * second,
        }),
        later(300 * second, 300 * second, { do: 'api server', to: 'well' }),
      ],
    ],
    // A process starts while little can be listed.
    [
      2,
      () => [
        ...server(pick(random, ['away', 'failing'] as const), 200),
        { atMs, act: { do: 'kill', who: 'leader', downMs: between(random, 1, 100) * second } },
      ],
    ],
    // Something is written to an object that is another one by then.
    [
      4,
      () => [
        ...quick(random, atMs, file),
        later(0, 1500, object(pick(random, ['replaced', 'let go'] as const))),
      ],
    ],
    [2, () => [...quick(random, atMs, file), later(0, 1500, { do: 'remove', file })]],
    [2, () => inFollowing(duplicate(random, pick(random, ['a', 'b', 'c'])), atMs)],
    [3, () => [{ atMs, act: object('replaced') }]],
    [3, () => [{ atMs, act: object('let go') }]],
    // Deleted and let go, by somebody who waits for no operator.
    [3, () => [{ atMs, act: { do: 'remove', file } }, later(0, 20 * second, object('let go'))]],
    [2, () => [{ atMs, act: { do: 'remove', file } }, later(0, 5 * second, object('released'))]],
    [1, () => [{ atMs, act: object('touched') }]],
    // Nobody of Mooring is there while an object goes and comes.
    [
      3,
      () => [
        { atMs, act: { do: 'kill', who: 'leader', downMs: between(random, 1, 90) * second } },
        later(0, second, { do: 'remove', file }),
        later(2 * second, 30 * second, object('let go')),
      ],
    ],
    [
      1,
      () => [
        { atMs, act: { do: 'delete namespace', team: pick(random, ['team-a', 'team-b'] as const) } },
        ...(random() < 0.5
          ? [later(5 * second, 300 * second, object(pick(random, ['confirmed', 'released'] as const)))]
          : []),
      ],
    ],
  ])()
}
