import { expect, it } from 'vitest'
import { createVariableSecrets } from '../../../../src/operator/secrets/variable-secrets.ts'

it('a variable that the list no longer shows is forgotten, whoever asks next', async () => {
  const variable = { Path: 'mooring/secrets/default/a', ModifyIndex: 1, Items: { password: 'one' } }
  let listed = [variable]
  let reads = 0
  let nowMs = 0
  const read = createVariableSecrets(
    {
      listVariables: async () => listed,
      async readVariable() {
        reads += 1
        return variable
      },
    },
    { namespace: 'default', prefix: 'mooring/secrets/', clock: { monotonicMs: () => nowMs } },
  )
  const readLater = (path: string) => {
    nowMs += 10_000
    return read(path)
  }
  expect(await readLater(variable.Path)).toEqual({ password: 'one' })
  expect(await readLater(variable.Path)).toEqual({ password: 'one' })
  expect(reads).toBe(1)
  listed = []
  expect(await readLater('mooring/secrets/default/b')).toBeUndefined()
  listed = [variable]
  // Kept in memory, it would answer without a read.
  expect(await readLater(variable.Path)).toEqual({ password: 'one' })
  expect(reads).toBe(2)
})
