import process from 'node:process'

/** The benchmarks by name; each prints what it measured and writes it beneath bench-results. */
const benchmarks: Readonly<Record<string, () => Promise<{ run(args: readonly string[]): Promise<void> }>>> = {
  driver: () => import('./driver.ts'),
  operator: () => import('./operator.ts'),
  server: () => import('./server.ts'),
  crowd: () => import('./crowd.ts'),
  fuzz: () => import('./fuzz.ts'),
  kube: () => import('./kube.ts'),
  nomad: () => import('./nomad.ts'),
}

const [name = '', ...args] = process.argv.slice(2)
const load = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
if (load === undefined) {
  process.stderr.write(`usage: node bench/main.ts ${Object.keys(benchmarks).join('|')}\n`)
  process.exit(1)
}
await (await load()).run(args)
