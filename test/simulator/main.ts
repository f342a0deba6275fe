/**
 * `npm run simulate`: lives through random histories of Mooring and its world on all cores, judges each, and tells the
 * shortest story of each that goes wrong.
 */
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { type FarSide, farSides } from './far-side.ts'
import { findPlanted } from './plant.ts'
import { sources } from './source.ts'
import { startWorker } from './start-worker.ts'
import type { Report, Work } from './worker.ts'

const usage = `npm run simulate -- [options]
  --histories N   how many histories (default 1000)
  --hours N       in their place: for how long
  --seed S        of the first history; each further one has the next number (default: a new one each time)
  --source NAME   what declares: files or kubernetes (default: files)
  --far-side S    nomad: the operator over a double of Nomad (default); server: mooring server under its clients
  --workers N     default: one a core
  --story         tells each history, also one that goes well
  --faults        plants each fault of the table (of the far side, where one is given), and writes to planted-faults.md after how many histories it is found
  --fault NAME    one of them alone
  --page          writes that to planted-faults.md too`

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '1000' },
    hours: { type: 'string' },
    seed: { type: 'string' },
    source: { type: 'string', default: 'files' },
    'far-side': { type: 'string' },
    workers: { type: 'string', default: String(availableParallelism()) },
    story: { type: 'boolean', default: false },
    faults: { type: 'boolean', default: false },
    fault: { type: 'string' },
    page: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

/** So many seeds of violations are shown; the rest is counted. */
const mostStories = 5

const farSide = farSideOf(values['far-side'] ?? 'nomad')

if (values.help) console.log(usage)
else if (values.faults || values.fault !== undefined)
  process.exitCode = await findPlanted({
    name: values.fault,
    farSide: values['far-side'] === undefined ? undefined : farSide,
    histories: Number(values.histories),
    workers: Number(values.workers),
    writesPage: values.faults || values.page,
  })
else process.exitCode = await simulate()

async function simulate(): Promise<number> {
  const workers = Number(values.workers)
  const source = sources.find((each) => each === values.source)
  if (source === undefined) throw new Error(`--source is one of ${sources.join(', ')}`)
  const seed = Number(values.seed ?? Date.now() % 2 ** 31)
  const histories = values.hours === undefined ? Number(values.histories) : Number.POSITIVE_INFINITY
  const startedMs = performance.now()
  const total = { histories: 0, events: 0, known: 0 }
  const violations: Extract<Report, { type: 'violation' }>[] = []

  function progress(): string {
    const seconds = (performance.now() - startedMs) / 1000
    const perSecond = Math.round(total.histories / seconds)
    return `${total.histories} histories from seed ${seed}, ${perSecond} a second, ${Math.round(total.events / Math.max(1, total.histories))} events each; ${violations.length} wrong, ${total.known} in faults that are known`
  }

  function take(report: Exclude<Report, { type: 'progress' }>) {
    if (report.type === 'story') {
      console.log(`${report.story}\ntrace ${report.traceHash}\n`)
      return
    }
    violations.push(report)
    if (violations.length > mostStories) return
    console.log(
      `\nseed ${report.seed}: ${report.text}\n${report.story}\nreplay it: npm run simulate -- --histories 1 --seed ${report.seed}${farSide === 'nomad' ? '' : ` --far-side ${farSide}`}${source === 'files' ? '' : ` --source ${source}`} --story\n`,
    )
  }

  const running = Array.from({ length: Math.min(workers, histories) }, (_, index) => {
    const work: Work = {
      farSide,
      firstSeed: seed + index,
      step: workers,
      histories: Number.isFinite(histories)
        ? Math.floor((histories - index + workers - 1) / workers)
        : 2 ** 31,
      source,
      planted: [],
      needs: [],
      isPlanted: false,
      tellsAll: values.story,
    }
    let before = 0
    const worker = startWorker(work)
    worker.on('message', (report: Report) => {
      if (report.type !== 'progress') return take(report)
      total.histories += report.histories - before
      before = report.histories
      total.events += report.events
      total.known += report.known
    })
    return worker
  })
  const ended = Promise.all(
    running.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          worker.on('error', reject)
          worker.on('exit', () => resolve())
        }),
    ),
  )
  const showing = setInterval(() => console.error(progress()), 10_000)
  const hours = values.hours === undefined ? undefined : Number(values.hours)
  const stop = hours && setTimeout(() => running.map((worker) => worker.terminate()), hours * 3_600_000)
  await ended
  clearInterval(showing)
  clearTimeout(stop)
  console.log(progress())
  return violations.length === 0 ? 0 : 1
}

function farSideOf(text: string): FarSide {
  const farSide = farSides.find((known) => known === text)
  if (farSide === undefined) throw new Error(`--far-side is one of ${farSides.join(', ')}`)
  return farSide
}
