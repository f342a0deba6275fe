import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Runs one benchmark: node bench/main.ts NAME [its options]. What it measured goes to standard output and
 * to bench-results/NAME.json.
 */
export interface Benchmark {
  /** Gives its figures, with units in their names. */
  run(args: readonly string[]): Promise<Record<string, unknown>>
}

const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  driver: () => import('./driver.ts'),
}

const [name = '', ...args] = process.argv.slice(2)
const load = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
if (load === undefined) {
  console.error(`npm run bench NAME, where NAME is one of: ${Object.keys(benchmarks).join(', ')}`)
  process.exitCode = 1
} else {
  const figures = await (await load()).run(args)
  const results = fileURLToPath(new URL('../bench-results', import.meta.url))
  await mkdir(results, { recursive: true })
  const report = { benchmark: name, at: new Date().toISOString(), node: process.version, ...figures }
  const path = join(results, `${name}.json`)
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`)
  console.log(JSON.stringify(report, null, 2))
  console.log(`written to ${path}`)
}
