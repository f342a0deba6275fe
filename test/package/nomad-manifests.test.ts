import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type HclItem, type HclValue, parseHcl } from '../../src/operator/declare/hcl-parser.ts'
import { nomadBinary, startNomadAgent } from '../helpers/nomad-agent.ts'
import { runMooring } from '../helpers/run-mooring.ts'

const folder = 'manifests/nomad'
const job = readFileSync(join(folder, 'mooring.nomad.hcl'), 'utf8')
const policy = readFileSync(join(folder, 'policy.hcl'), 'utf8')
const run = promisify(execFile)

function block(items: readonly HclItem[], key: string, label?: string): readonly HclItem[] {
  const found = items.find((item) => item.key === key && (label === undefined || item.labels[0] === label))
  if (found?.value.type !== 'object') throw new Error(`policy.hcl has no ${key} ${label ?? ''}`)
  return found.value.items
}

function texts(items: readonly HclItem[], key: string): string[] {
  const value: HclValue | undefined = items.find((item) => item.key === key)?.value
  if (value?.type !== 'list') throw new Error(`policy.hcl has no list ${key}`)
  return value.items.map((item) => (item.type === 'string' ? item.text : ''))
}

describe('manifests/nomad', () => {
  test('the policy gives what the calls need, and names each beside a call', () => {
    const parsed = parseHcl(policy)
    if (!('items' in parsed)) throw new Error(parsed.message)
    const namespace = block(parsed.items, 'namespace', 'default')
    expect(texts(namespace, 'capabilities')).toEqual([
      'csi-read-volume',
      'csi-write-volume',
      'csi-mount-volume',
      'read-job',
    ])
    const variables = block(namespace, 'variables')
    expect(texts(block(variables, 'path', 'mooring/default/*'), 'capabilities')).toEqual([
      'read',
      'write',
      'destroy',
    ])
    expect(texts(block(variables, 'path', 'mooring/secrets/*'), 'capabilities')).toEqual(['read'])
    const comments = policy.split('\n').filter((line) => line.trim().startsWith('#'))
    for (const call of [
      ...['/v1/volume/csi/:id', '/v1/volumes/snapshot', '/v1/vars', '/v1/var/', '/v1/plugin'],
      ...['/detach', '/v1/allocations', '/v1/event/stream', '/v1/nodes', '/v1/agent/members'],
    ]) {
      expect(
        comments.some((line) => line.includes(call)),
        call,
      ).toBe(true)
    }
  })

  test('the job sets what `mooring run` knows', async () => {
    const { stdout } = await runMooring(['run', '--help'])
    const known = new Set(
      [...stdout.replace(/\s+/g, ' ').matchAll(/env: ([A-Z_]+)/g)].map(([, name]) => name),
    )
    const set = [...job.matchAll(/^ {8}([A-Z_]+) +=/gm)].map(([, name]) => name)
    expect(set.length).toBeGreaterThan(5)
    expect(set.filter((name) => !known.has(name))).toEqual([])
  })

  test.skipIf(nomadBinary === '')(
    nomadBinary === '' ? 'Nomad takes both (skipped: NOMAD_BIN not set)' : 'Nomad takes both',
    async () => {
      const agent = await startNomadAgent()
      onTestFinished(agent.close)
      const environment = { PATH: process.env.PATH, NOMAD_ADDR: agent.address }
      await run(nomadBinary, ['fmt', '-check', folder])
      const variables = [
        '-var',
        'image=registry.example/mooring:1',
        '-var',
        'source=git+https://example/x.git',
      ]
      const validate = ['job', 'validate', ...variables, join(folder, 'mooring.nomad.hcl')]
      expect((await run(nomadBinary, validate, { env: environment })).stdout).toContain('successful')
    },
  )
})
