/** Plants faults in Mooring, one at a time, and counts the histories until the simulator finds each. */
import { Worker } from 'node:worker_threads'
import { type PlantedFault, plantedFaults } from './planted-faults.ts'
import type { Report, Work } from './worker.ts'

/** The same histories for each fault. */
const firstSeed = 1

export interface Found {
  /** After how many histories; undefined: not found. */
  readonly after: number | undefined
  readonly rule: string
  readonly text: string
}

/** @throws Error where the fault cannot be planted */
export function findFault(fault: PlantedFault, histories: number): Promise<Found> {
  const work: Work = { firstSeed, step: 1, histories, planted: [fault], isPlanted: true, tellsAll: false }
  return new Promise((resolve, reject) => {
    let found: Found = { after: undefined, rule: '', text: '' }
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: work })
    worker.on('message', (report: Report) => {
      if (report.type === 'violation') {
        found = { after: report.seed - firstSeed + 1, rule: report.rule, text: report.text }
      }
    })
    worker.on('error', reject)
    worker.on('exit', () => resolve(found))
  })
}

/** @returns the exit code: 0 if each fault is found */
export async function findPlanted(options: { name: string | undefined; histories: number }): Promise<number> {
  const { name, histories } = options
  const faults = plantedFaults.filter((fault) => name === undefined || fault.name === name)
  if (faults.length === 0) throw new Error(`no planted fault is called "${name}"`)
  let missed = 0
  for (const fault of faults) {
    const { after, text } = await findFault(fault, histories)
    if (after === undefined) missed += 1
    const result =
      after === undefined ? `NOT FOUND in ${histories} histories` : `found after ${after} histories: ${text}`
    console.log(`${fault.name} (src/${fault.file}): ${result}`)
  }
  return missed === 0 ? 0 : 1
}
