import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import { createSecretWatch } from '../../../../src/operator/reconcile/watch-secrets.ts'
import { createSecretResolver } from '../../../../src/operator/secrets/resolve-secrets.ts'
import { createSpecificationSecrets } from '../../../../src/operator/secrets/specification-secrets.ts'
import { createVariableSecrets } from '../../../../src/operator/secrets/variable-secrets.ts'
import { volume } from '../../../builders/declarations.ts'
import { startNomadVariables } from '../../../helpers/nomad-variables.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

async function createSubject() {
  const root = temporaryDirectory()
  const secretsDirectory = join(root, 'secrets')
  mkdirSync(secretsDirectory)
  const { client, double } = await startNomadVariables()
  let nowMs = 0
  let requests = 0
  const readVariable = createVariableSecrets(
    {
      listVariables: (...parameters) => {
        requests += 1
        return client.listVariables(...parameters)
      },
      readVariable: (...parameters) => {
        requests += 1
        return client.readVariable(...parameters)
      },
    },
    { namespace: 'default', prefix: 'mooring/secrets/', clock: { monotonicMs: () => nowMs } },
  )
  const environment: Record<string, string> = { MOORING_SECRET_A: 'from the environment', PATH: '/bin' }
  const resolver = createSecretResolver({
    environment,
    secretsDirectory,
    specificationSecrets: createSpecificationSecrets((text) => text),
    readVariable,
  })
  return {
    root,
    secretsDirectory,
    double,
    resolver,
    requests: () => requests,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

const variable = (path: string, item = 'password') => ({ fromVariable: { path, item } })

describe('secrets', () => {
  it('come from the environment, from files and from variables of the declaration’s Nomad namespace', async () => {
    const { resolver, secretsDirectory, double } = await createSubject()
    writeFileSync(join(secretsDirectory, 'key'), 'from a file\n')
    double.overwrite('mooring/secrets/prod/db', { password: 'from a variable' })
    const references = { a: { fromEnv: 'MOORING_SECRET_A' }, b: { fromFile: 'key' }, c: variable('db') }
    expect(await resolver.resolve(references, 'prod')).toEqual({
      a: 'from the environment',
      b: 'from a file',
      c: 'from a variable',
    })
  })

  it('of another Nomad namespace, outside of the folder or under another name are not read', async () => {
    const { resolver, root, secretsDirectory, double } = await createSubject()
    double.overwrite('mooring/secrets/prod/db', { password: 'secret' })
    double.overwrite('nomad/jobs/web', { password: 'secret' })
    writeFileSync(join(root, 'outside'), 'secret')
    symlinkSync(join(root, 'outside'), join(secretsDirectory, 'link'))
    const missing = { kind: 'waiting', reason: 'SecretNotFound' }
    await expect(resolver.resolve({ a: variable('db') }, 'staging')).rejects.toMatchObject({
      ...missing,
      message:
        'spec.secrets.a: there is no Nomad Variable "mooring/secrets/staging/db" with an item "password"',
    })
    await expect(resolver.resolve({ a: variable('db', 'other') }, 'prod')).rejects.toMatchObject(missing)
    await expect(resolver.resolve({ a: { fromFile: 'link' } }, 'prod')).rejects.toMatchObject(missing)
    await expect(resolver.resolve({ a: { fromEnv: 'PATH' } }, 'prod')).rejects.toMatchObject(missing)
  })

  it('of variables cost one list for all of them, and a read of each that moved', async () => {
    const { resolver, double, requests, pass } = await createSubject()
    for (let index = 0; index < 20; index += 1) {
      double.overwrite(`mooring/secrets/default/v${index}`, { password: `${index}` })
    }
    const references = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`s${index}`, variable(`v${index}`)]),
    )
    await resolver.resolve(references, 'default')
    expect(requests()).toBe(21)
    await resolver.resolve(references, 'default')
    expect(requests()).toBe(21)
    pass(10_000)
    double.overwrite('mooring/secrets/default/v7', { password: 'new' })
    expect(await resolver.resolve(references, 'default')).toMatchObject({ s7: 'new', s8: '8' })
    expect(requests()).toBe(23)
  })
})

describe('a watch of secrets', () => {
  it('tells whose values changed where they are kept, once, and of none that cannot be read', async () => {
    const { resolver, secretsDirectory, double, pass } = await createSubject()
    const changed: string[] = []
    const look = createSecretWatch({
      secrets: resolver,
      inventory: { keyedHash: (text) => `hash of ${text.length} ${text}` },
      onChange: (key) => changed.push(key),
    })
    const file = join(secretsDirectory, 'key')
    writeFileSync(file, 'one')
    double.overwrite('mooring/secrets/default/db', { password: 'one' })
    const declared = [
      volume('a', { secrets: { key: { fromFile: 'key' } } }),
      volume('b', { secrets: { password: variable('db') } }),
      volume('c', { secrets: { password: variable('missing') } }),
      volume('d'),
    ]
    const declarations = new Map(declared.map((each) => [keyOf(each), each]))
    const lookLater = async () => {
      pass(10_000)
      await look(declarations)
      return changed.splice(0)
    }
    expect(await lookLater()).toEqual([])
    expect(await lookLater()).toEqual([])
    writeFileSync(file, 'two')
    expect(await lookLater()).toEqual(['Volume/default/a'])
    double.overwrite('mooring/secrets/default/db', { password: 'two' })
    expect(await lookLater()).toEqual(['Volume/default/b'])
    double.overwrite('mooring/secrets/default/db', { other: 'x' })
    expect(await lookLater()).toEqual([])
    double.overwrite('mooring/secrets/default/db', { password: 'three' })
    expect(await lookLater()).toEqual(['Volume/default/b'])
    expect(await lookLater()).toEqual([])
  })
})
