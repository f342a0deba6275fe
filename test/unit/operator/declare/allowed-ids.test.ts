import { expect, it } from 'vitest'
import { parseAllowedIDs } from '../../../../src/operator/declare/allowed-ids.ts'

it.each<[string, ReturnType<typeof parseAllowedIDs>]>([
  ['team-b=ebs0/vol-b-*', { namespace: 'team-b', patterns: ['ebs0/vol-b-*'] }],
  ['team-b=ebs0/a=b/c,*/x', { namespace: 'team-b', patterns: ['ebs0/a=b/c', '*/x'] }],
  ['team-b=*/*', { namespace: 'team-b', patterns: ['*/*'] }],
  ['team-b=ebs0', undefined],
  ['team-b=ebs0/', undefined],
  ['team-b=/vol', undefined],
  ['team-b=', undefined],
  ['*=ebs0/vol', undefined],
  ['Team_B=ebs0/vol', undefined],
  ['team-b=ebs0/a,', undefined],
])('reads %s', (text, expected) => {
  expect(parseAllowedIDs(text)).toEqual(expected)
})
