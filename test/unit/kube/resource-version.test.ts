import { expect, it } from 'vitest'
import { isNewerVersion } from '../../../src/kube/resource-version.ts'

it.each([
  ['9', '10', false],
  ['10', '9', true],
  ['10', '10', false],
  ['9007199254740993', '9007199254740992', true],
  ['0', '5', false],
  ['abc', '1', false],
  ['2', 'abc', false],
  [undefined, '1', false],
  ['1', undefined, false],
])('%s is newer than %s: %s', (version, than, expected) => {
  expect(isNewerVersion(version, than)).toBe(expected)
})
