import { execFile } from 'node:child_process'
import { mkdir, rm, stat } from 'node:fs/promises'
import { devNull } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { errorMessage, UsageError } from '../../lib/errors.ts'
import type { Signers } from './git-repository.ts'

/**
 * Prepares the keys whose signatures count, apart from the keys of this machine's user.
 * @param allowedSignersFile in the format of OpenSSH (ssh-keygen(1), ALLOWED SIGNERS)
 * @param keyringFile OpenPGP public keys, as `gpg --export` writes them
 * @param directory emptied first, so that a removed key no longer counts
 * @throws UsageError where a file is missing or has no keys
 */
export async function prepareSigners(options: {
  readonly allowedSignersFile?: string
  readonly keyringFile?: string
  readonly directory: string
}): Promise<Signers> {
  const { allowedSignersFile, keyringFile } = options
  const gnupgHome = join(options.directory, 'gnupg')
  await rm(gnupgHome, { recursive: true, force: true })
  await mkdir(gnupgHome, { recursive: true, mode: 0o700 })
  for (const file of [allowedSignersFile, keyringFile]) {
    if (file === undefined) continue
    const stats = await stat(file).catch((error) => {
      throw new UsageError(`the file of signing keys cannot be read: ${errorMessage(error)}`)
    })
    if (!stats.isFile() || stats.size === 0) throw new UsageError(`${file} contains no signing keys`)
  }
  if (keyringFile !== undefined) {
    const parameters = [
      '--homedir',
      gnupgHome,
      '--batch',
      '--no-autostart',
      '--quiet',
      '--import',
      resolve(keyringFile),
    ]
    await promisify(execFile)('gpg', parameters).catch((error) => {
      throw new UsageError(`the keys in ${keyringFile} cannot be imported: ${errorMessage(error)}`)
    })
  }
  return {
    allowedSignersFile: allowedSignersFile === undefined ? devNull : resolve(allowedSignersFile),
    gnupgHome,
  }
}
