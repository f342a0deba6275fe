import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it, onTestFinished, vi } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'
import type { SpecificationSecretReference } from '../../../../src/operator/declare/secret-reference.ts'
import { openSqliteInventory } from '../../../../src/operator/inventory/sqlite-inventory.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import { createSpecificationSecrets } from '../../../../src/operator/secrets/specification-secrets.ts'
import { volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const specification = (secret: string) => `
type = "csi"
id = "data"
name = "data"
plugin_id = "disk"
capability {
  access_mode = "single-node-writer"
  attachment_mode = "file-system"
}
secrets {
  password = "${secret}"
}`

/** Reads a file of Nomad's own format as a source does. */
function read(secrets: ReturnType<typeof createSpecificationSecrets>, secret: string) {
  const origin = { source: 'folder', file: 'data.volume.hcl' }
  const { declarations, problems } = parseDeclarations(specification(secret), origin, {
    storeSecret: secrets.store,
  })
  expect(problems).toEqual([])
  const [declaration] = declarations
  if (declaration?.kind !== 'Volume') throw new Error('no volume was read')
  return declaration
}

it('a secret that changes a thousand times is kept once: as it stands in the declaration that there is', async () => {
  const secrets = createSpecificationSecrets((text) => text)
  let current = read(secrets, 'first')
  for (let change = 0; change < 1000; change += 1) current = read(secrets, `secret ${change}`)
  await vi.waitFor(() => {
    collectGarbage()
    expect(secrets.size()).toBe(1)
  })
  expect(secrets.get(current.spec.secrets?.password as SpecificationSecretReference)).toBe('secret 999')
})

it('two declarations with the same secret keep it until both are gone', async () => {
  const secrets = createSpecificationSecrets((text) => text)
  let one: object | undefined = read(secrets, 'same')
  let other: object | undefined = read(secrets, 'same')
  expect([one, other, secrets.size()]).toMatchObject([{}, {}, 1])
  one = undefined
  collectGarbage()
  await new Promise((resolve) => setImmediate(resolve))
  expect(secrets.size()).toBe(1)
  expect(other).toBeDefined()
  other = undefined
  await vi.waitFor(() => {
    collectGarbage()
    expect(secrets.size()).toBe(0)
  })
})

it('a record keeps the secrets of its declaration, so that an end can use them when the file is gone', async () => {
  const secrets = createSpecificationSecrets((text) => text)
  const inventory = openSqliteInventory(temporaryDirectory())
  onTestFinished(() => inventory.close())
  await beginRecord(inventory, volumeRecord(volume('data'), { declaration: read(secrets, 'of the end') }))
  read(secrets, 'of a later file')
  await vi.waitFor(() => {
    collectGarbage()
    expect(secrets.size()).toBe(1)
  })
  const record = inventory.get('Volume/default/data')
  const reference = record?.kind === 'Volume' ? record.declaration.spec.secrets?.password : undefined
  expect(secrets.get(reference as SpecificationSecretReference)).toBe('of the end')
})
