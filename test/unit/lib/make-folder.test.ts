import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFolder } from '../../../src/lib/make-folder.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

describe('a folder', () => {
  it('is made with the folders around it, for its user alone', () => {
    const path = join(temporaryDirectory(), 'a', 'b')
    makeFolder(path, 0o700)
    makeFolder(path, 0o700)
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  it('is not made inside a file, and the file is named', () => {
    const file = join(temporaryDirectory(), 'file')
    writeFileSync(file, '')
    expect(() => makeFolder(join(file, 'operator'), 0o700)).toThrow(`${file} is a file: name another folder`)
  })

  it('is not made where nothing can be, and that is said at once', () => {
    expect(() => makeFolder('/proc/nothing/operator', 0o700)).toThrow(
      /no folder can be made in \/proc|may not/,
    )
  })

  // Root may write everywhere.
  it.skipIf(process.getuid?.() === 0)('is not made where the user may not write', () => {
    const closed = join(temporaryDirectory(), 'closed')
    mkdirSync(closed, { mode: 0o500 })
    expect(() => makeFolder(join(closed, 'operator'), 0o700)).toThrow(/may not write/)
  })
})
