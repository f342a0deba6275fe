/** Plants faults in Mooring, one at a time, and counts the histories until the simulator finds each. */
import { type PlantedFault, plantedFaults, textsOf } from './planted-faults.ts'
import { updatePage } from './planted-page.ts'
import { startWorker } from './start-worker.ts'
import type { Report, Work } from './worker.ts'

/** The same histories for each fault. */
const firstSeed = 1

export interface Found {
  /** After how many histories; undefined: not found. */
  readonly after: number | undefined
  readonly rule: string
  readonly text: string
}

/**
 * A history counts if it goes wrong with the fault alone: without it, nothing goes wrong.
 * @throws Error where the fault cannot be planted
 */
export async function findFault(fault: PlantedFault, histories: number): Promise<Found> {
  const farSide = fault.farSide ?? 'nomad'
  for (let seed = firstSeed; seed < firstSeed + histories; seed += 1) {
    const rest = firstSeed + histories - seed
    const found = await firstWrong(farSide, textsOf(fault), seed, rest, fault.needs, fault.source)
    if (found === undefined) break
    seed = found.seed
    if ((await firstWrong(farSide, [], seed, 1, [], fault.source)) === undefined) {
      return { after: seed - firstSeed + 1, rule: found.rule, text: found.text.split('\n')[0] ?? '' }
    }
  }
  return { after: undefined, rule: '', text: '' }
}

type Wrong = Extract<Report, { type: 'violation' }>

function firstWrong(
  farSide: Work['farSide'],
  planted: Work['planted'],
  seed: number,
  histories: number,
  needs: Work['needs'] = [],
  source: Work['source'] = 'files',
): Promise<Wrong | undefined> {
  const work: Work = {
    ...{ farSide, firstSeed: seed, step: 1, histories, planted, needs, source },
    ...{ isPlanted: true, tellsAll: false },
  }
  return new Promise((resolve, reject) => {
    let wrong: Wrong | undefined
    const worker = startWorker(work)
    worker.on('message', (report: Report) => {
      if (report.type === 'violation') wrong = report
    })
    worker.on('error', reject)
    worker.on('exit', () => resolve(wrong))
  })
}

/** @returns the exit code: 0 if each fault is found */
export async function findPlanted(options: {
  name: string | undefined
  /** undefined: of each. */
  farSide: Work['farSide'] | undefined
  histories: number
  workers: number
  /** Whether what is found is written to the page. */
  writesPage: boolean
}): Promise<number> {
  const { name, farSide, histories, workers, writesPage } = options
  const faults = plantedFaults.filter(
    (fault) =>
      (name === undefined || fault.name === name) &&
      (farSide === undefined || (fault.farSide ?? 'nomad') === farSide),
  )
  if (faults.length === 0) throw new Error(`no planted fault is called "${name}"`)
  const results = new Map<string, Found>()
  const waiting = [...faults]
  async function work() {
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
      const found = await findFault(fault, histories)
      results.set(fault.name, found)
      const { after, text } = found
      const result =
        after === undefined
          ? `NOT FOUND in ${histories} histories`
          : `found after ${after} histories: ${text}`
      console.log(`${fault.name} (src/${fault.file}): ${result}`)
      if (writesPage)
        updatePage([
          {
            name: fault.name,
            result: after === undefined ? `not found in ${histories}` : `${after}`,
            // A line of a table.
            sign: text.replaceAll('|', '/'),
          },
        ])
    }
  }
  await Promise.all(Array.from({ length: Math.min(workers, faults.length) }, work))
  const missed = faults.filter(
    ({ name, notFound }) => notFound === undefined && results.get(name)?.after === undefined,
  )
  return missed.length === 0 ? 0 : 1
}
