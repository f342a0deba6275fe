import { expect, it } from 'vitest'
import { createDeclarationIndex } from '../../../../src/operator/desired/declaration-index.ts'
import { findDependents } from '../../../../src/operator/desired/dependents.ts'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import { snapshot, volume } from '../../../builders/declarations.ts'

it('finds the declarations that refer to a volume or a snapshot, until they refer to it no more', () => {
  const index = createDeclarationIndex()
  const source = volume('source')
  const clone = volume('clone', { source: { volume: 'source' } })
  const made = volume('made', { source: { snapshot: 'taken' } })
  const taken = snapshot('taken', 'source')
  for (const each of [source, clone, made, taken]) index.replace(undefined, each)
  expect(findDependents(keyOf(source), source, index).toSorted()).toEqual([keyOf(taken), keyOf(clone)])
  expect(findDependents(keyOf(taken), taken, index)).toEqual([keyOf(made)])
  // One that is managed, and declared no more.
  expect(findDependents(keyOf(taken), undefined, index)).toEqual([keyOf(made)])
  expect(findDependents(keyOf(source), undefined, index)).toEqual([])
  index.replace(clone, volume('clone'))
  index.replace(made, undefined)
  expect(findDependents(keyOf(source), source, index)).toEqual([keyOf(taken)])
  expect(findDependents(keyOf(taken), taken, index)).toEqual([])
})
