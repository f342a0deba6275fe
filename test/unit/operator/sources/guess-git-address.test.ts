import { describe, expect, it } from 'vitest'
import { guessGitAddress } from '../../../../src/operator/sources/git-address.ts'
import { sourceName } from '../../../../src/operator/sources/open-sources.ts'

describe('an address of a repository as other tools write it', () => {
  it.each([
    ['https://github.com/x/y.git', 'git+https://github.com/x/y.git'],
    ['git@github.com:x/y.git', 'git+ssh://git@github.com/x/y.git'],
    ['ssh://git@host/x', 'git+ssh://git@host/x'],
    ['git::https://host/x', 'git+https://host/x'],
    ['volumes', undefined],
    ['./a:b', undefined],
    ['/srv/volumes', undefined],
  ])('%s is meant to be %s', (text, meant) => expect(guessGitAddress(text)).toBe(meant))

  it('is refused as a source, and no password is repeated', () => {
    expect(() => sourceName('https://me:secret@host/x')).toThrow(/write git\+https:\/\/host\/x$/)
  })
})
