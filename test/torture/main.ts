import { parseArgs } from 'node:util'
import { createTorturer } from './torturer.ts'

/**
 * The driver's torture, for as long as one likes. Prints what it did, and for what it found the history at
 * its shortest and the options that run it again.
 *   --seed N        where to begin (default: by the clock)
 *   --calls N       until so many calls were made, or
 *   --hours N       for so long (default: --calls 2000)
 *   --rounds N      lives of a driver in one history (default 6)
 *   --replay PATH   with --seed: the one history that a failure named
 *   --no-shrink     gives a failing history as it is
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
    calls: { type: 'string' },
    hours: { type: 'string' },
    rounds: { type: 'string', default: '6' },
    replay: { type: 'string' },
    'no-shrink': { type: 'boolean', default: false },
  },
})
const endMs =
  values.hours === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(values.hours) * 3_600_000
const lastCall = values.hours === undefined ? Number(values.calls ?? 2_000) : Number.POSITIVE_INFINITY

const startedMs = Date.now()
const torturer = createTorturer()
const { noDisk, counts } = torturer
console.log(
  noDisk === undefined ? 'each pool has a disk of its own' : `skipped: mounts, disks, power cuts: ${noDisk}`,
)

let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isInterrupted = true
    console.error('interrupted: ending the driver, its mounts and its disk')
    torturer.interrupt()
  })
}

const report = () => {
  const { calls, kills, powerCuts, failures } = counts
  const minutes = ((Date.now() - startedMs) / 60_000).toFixed(1)
  return `${minutes} minutes, ${calls} calls, ${kills} kills, ${powerCuts} power cuts, ${failures} operations made to fail`
}

let seed = Number(values.seed)
try {
  for (; counts.calls < lastCall && Date.now() < endMs; seed++) {
    const rounds = Number(values.rounds)
    const found = await torturer.run(seed, { rounds, shrink: !values['no-shrink'], path: values.replay })
    if (found !== undefined) {
      // A long one says nothing to a reader; its trace is below.
      if (found.history.length < 6_000) console.error(found.history)
      console.error(found.message)
      console.error(`Found after ${report()}. Again:`)
      console.error(
        `  npm run torture -- --seed ${seed} --rounds ${rounds} --replay ${found.path} --no-shrink`,
      )
      process.exitCode = 1
      break
    }
    console.log(`seed ${seed}: nothing lost; so far ${report()}`)
    if (values.replay !== undefined) break
  }
  const answers = [...counts.answers].sort(([one], [other]) => (one < other ? -1 : 1))
  console.log(answers.map(([answer, count]) => `${answer} ${count}`).join('\n'))
} catch (error) {
  if (!isInterrupted) throw error
  console.error(`interrupted after ${report()}`)
  process.exitCode = 130
} finally {
  await torturer.close()
}
