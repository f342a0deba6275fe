import { readFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LuaFactory } from 'wasmoon'
import { conditionsOf, type Verdict } from '../../src/operator/plan/status.ts'

const script = readFileSync('manifests/argocd/health.lua', 'utf8')

async function health(object: object): Promise<{ status: string; message: string }> {
  const lua = await new LuaFactory().createEngine()
  onTestFinished(() => lua.global.close())
  lua.global.set('obj', object)
  const answer = await lua.doString(script)
  return { status: answer.status, message: answer.message }
}

/** An object of which a pass has written this verdict. */
const objectOf = (state: Verdict['state'], spec: object = {}, observedGeneration = 3) => ({
  metadata: { name: 'a', generation: 3 },
  spec,
  status: {
    observedGeneration,
    conditions: conditionsOf({ state, reason: 'Refused', message: 'so it is' } as Verdict, [], 0),
  },
})

describe("Argo CD's health of an object", () => {
  it.each([
    ['ready', 'Healthy', {}],
    ['working', 'Progressing', {}],
    ['waiting', 'Progressing', {}],
    ['stalled', 'Degraded', {}],
    ['suspended', 'Suspended', { suspend: true }],
  ] as const)('of one that is %s is %s', async (state, status, spec) => {
    expect(await health(objectOf(state, spec))).toEqual({ status, message: 'Refused: so it is' })
  })

  it('is in progress until a pass has seen it', async () => {
    expect(await health({ metadata: { generation: 1 }, spec: {} })).toMatchObject({ status: 'Progressing' })
    expect(await health(objectOf('ready', {}, 2))).toMatchObject({
      status: 'Progressing',
      message: expect.stringContaining('this spec'),
    })
  })

  it('is that script in the patch of its ConfigMap', () => {
    const patch = load(readFileSync('manifests/argocd/argocd-cm-patch.yaml', 'utf8')) as {
      data: Record<string, string>
    }
    expect(load(patch.data['resource.customizations'] ?? '')).toEqual({
      'mooring.dev/*': { 'health.lua': script },
    })
  })
})
