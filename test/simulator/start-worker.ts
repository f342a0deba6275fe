import { Worker } from 'node:worker_threads'
import type { Work } from './worker.ts'

/** A history leaves much behind that is short-lived: with more room for it, it is looked through less often. */
const maxYoungGenerationSizeMb = 64

export const startWorker = (work: Work) =>
  new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: work,
    resourceLimits: { maxYoungGenerationSizeMb },
  })
