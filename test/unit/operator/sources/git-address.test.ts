import { describe, expect, test } from 'vitest'
import { isGitAddress, parseGitAddress } from '../../../../src/operator/sources/git-address.ts'

describe('the address of a Git repository', () => {
  test.each([
    ['git+https://host/a.git', 'https://host/a.git', undefined, ''],
    ['git+https://host/a.git#main', 'https://host/a.git', 'main', ''],
    [
      'git+https://host:8443/a.git#team/x:clusters/prod',
      'https://host:8443/a.git',
      'team/x',
      'clusters/prod',
    ],
    ['git+ssh://git@host/a.git#:volumes/', 'ssh://git@host/a.git', undefined, 'volumes'],
    ['git+file:///srv/a.git#refs/tags/v1', 'file:///srv/a.git', 'refs/tags/v1', ''],
  ])('%s', (text, url, branch, path) => {
    expect(isGitAddress(text)).toBe(true)
    expect(parseGitAddress(text)).toMatchObject({ url, branch, path })
  })

  test.each([
    ['git+https://me:pa55@host/a.git#b:c', 'git+https://host/a.git#b:c', { user: 'me', password: 'pa55' }],
    ['git+https://gh%40token@host/a.git', 'git+https://host/a.git', { user: 'gh@token', password: '' }],
    ['git+ssh://git:pa55@host/a.git', 'git+ssh://git@host/a.git', undefined],
    ['git+https://host/a.git?access_token=pa55', 'git+https://host/a.git', undefined],
  ])('%s is shown as %s', (text, name, credentials) => {
    const address = parseGitAddress(text)
    expect(address.name).toBe(name)
    expect(address.credentials).toEqual(credentials)
    if (credentials !== undefined) expect(address.url).not.toContain(credentials.user)
  })

  test.each([
    'git+http://me:pa55@host/a.git',
    'git+ext::sh -c pa55',
    'git+git://host/pa55',
    'git+',
    'git+https://host/a.git#-upload-pack',
    'git+https://host/a.git#a..b',
    'git+https://host/a.git#main:../outside',
    'git+https://host/a.git#main:.git/hooks',
  ])('%s is refused', (text) => {
    expect(() => parseGitAddress(text)).toThrow(expect.objectContaining({ name: 'UsageError' }))
    expect(() => parseGitAddress(text)).not.toThrow('pa55')
  })

  test.each(['volumes', './git+https', '/srv/a.git', 'https://host/a.git'])('%s is none', (text) => {
    expect(isGitAddress(text)).toBe(false)
  })
})
