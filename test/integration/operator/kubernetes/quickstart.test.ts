import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { dump, load } from 'js-yaml'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { kubernetesTools } from '../../../../scripts/lib/kubernetes-tools.ts'
import { startMooring } from '../../../helpers/mooring-process.ts'
import { blocksOf, isAsPrinted, type PageBlock } from '../../../helpers/page-blocks.ts'
import { startUp } from '../../../helpers/start-up.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

const page = 'docs/quickstart-kubernetes.md'
const kubeconfig = process.env.MOORING_TEST_KUBECONFIG ?? ''
const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** Where no image and no pod can be: the chart without what starts one, as its README says. */
const withoutPod = [
  ...['--take-ownership', '--force-conflicts', '--set deployment.enabled=false'],
  ...['--set metrics.service.enabled=false', '--set podDisruptionBudget.enabled=false'],
].join(' ')

describe.skipIf(kubeconfig === '')(`${page}, word for word`, () => {
  it('ends as the page says', async () => {
    const work = temporaryDirectory()
    const nomad = await startNomad(work)
    const shell = shellIn(work)
    onTestFinished(async () => {
      await shell(
        'kubectl delete --all snapshotschedules.mooring.dev,snapshots.mooring.dev; helm uninstall --namespace mooring-system mooring; kubectl delete namespace mooring-system',
      )
    })
    const blocks = blocksOf(page).map((block) => ({
      ...block,
      script: block.script.replace('pluginID: hostpath', 'pluginID: directories'),
      ...(block.prints === undefined ? {} : { prints: block.prints.replace('hostpath', 'directories') }),
    }))
    const [clone, image, secret, install, declare, schedule, snapshots, remove, ...rest] = blocks
    expect(rest).toEqual([])
    // What a test cannot do again: clone, and build an image.
    expect(clone?.script).toContain('git clone')
    expect(image?.script).toContain('docker build')

    await run(shell, secret)
    const [chart = '', rollout = ''] = (install?.script ?? '').split(/^(?=kubectl)/m)
    expect(rollout).toContain('rollout status')
    await run(shell, { line: install?.line ?? 0, script: `${chart.trim()} ${withoutPod}` })
    startMooring([
      ...[
        'run',
        '--kubernetes',
        '--instance',
        'mooring',
        '--kubernetes-operator-namespace',
        'mooring-system',
      ],
      ...['--kubeconfig', await kubeconfigOfOperator(work, shell)],
      ...['--nomad-addr', nomad.url, '--data-dir', join(work, 'operator')],
    ])
    // In the place of the rollout, during which an API server comes to know new kinds.
    const kindsAreServed = {
      line: install?.line ?? 0,
      script: 'kubectl get volumes.mooring.dev,snapshotschedules.mooring.dev',
    }
    await vi.waitFor(() => run(shell, kindsAreServed), { timeout: 60_000, interval: 500 })
    await run(shell, declare)
    await run(shell, schedule)
    await vi.waitFor(() => run(shell, snapshots), { timeout: 60_000, interval: 500 })
    await run(shell, remove)
    expect(await nomad.read('first')).toMatchObject({ ID: 'first' })
  }, 300_000)
})

type Shell = (script: string) => Promise<{ code: number; output: string }>

/** Runs what a block says, and compares with what the page prints. */
async function run(shell: Shell, block: PageBlock | undefined): Promise<void> {
  if (block === undefined) throw new Error(`${page} has fewer blocks than this test follows`)
  const { code, output } = await shell(`set -eo pipefail\n${block.script}`)
  const place = `${page}:${block.line}\n${block.script}\n${output}`
  expect(code, place).toBe(0)
  if (block.prints !== undefined && !isAsPrinted(output, block.prints))
    expect(output, place).toBe(block.prints)
}

/** A shell in a folder with the chart, the helm and kubectl of this package, and the cluster's administrator. */
function shellIn(work: string): Shell {
  symlinkSync(join(root, 'charts'), join(work, 'charts'))
  const tools = kubernetesTools()
  const env = {
    ...process.env,
    HOME: work,
    KUBECONFIG: kubeconfig,
    PATH: [dirname(tools.helm), dirname(tools.kubectl), process.env.PATH].join(delimiter),
  }
  return (script) => {
    // kubectl warns of an API server that is older than itself.
    const quiet = '2> >(grep -v "^Warning: version difference")'
    const child = spawn('bash', ['-c', `{ ${script}\n} ${quiet}`], { cwd: work, env })
    return outcomeOf(child)
  }
}

function outcomeOf(child: ChildProcess): Promise<{ code: number; output: string }> {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? 1, output })))
}

async function startNomad(work: string) {
  const folder = join(work, 'nothing-declared')
  mkdirSync(folder)
  return startUp(folder, join(work, 'nomad'))
}

/** The cluster as the operator's service account sees it, so that the chart's rights are tried too. */
async function kubeconfigOfOperator(work: string, shell: Shell): Promise<string> {
  const { code, output } = await shell(
    'kubectl --namespace mooring-system create token mooring --duration 1h 2>/dev/null',
  )
  expect(code, output).toBe(0)
  const config = load(readFileSync(kubeconfig, 'utf8')) as { users: { user: unknown }[] }
  for (const entry of config.users) entry.user = { token: output.trim() }
  const file = join(work, 'operator.kubeconfig')
  writeFileSync(file, dump(config))
  return file
}
