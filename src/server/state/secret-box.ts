import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { errorCode, UsageError } from '../../lib/errors.ts'

/** Encrypts what stands in the database's columns of secrets. */
export interface SecretBox {
  /** @param place where the text stands; only there can it be opened again */
  seal(text: string, place: string): string
  /** @throws UsageError where the text was sealed with another key, or somewhere else */
  open(sealed: string, place: string): string
}

const algorithm = 'aes-256-gcm'
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/**
 * AES-256-GCM with the key in a file, which is made at the first start, for this user alone.
 * @throws UsageError where the file is no key, or others can read it
 */
export function openSecretBox(keyFile: string): SecretBox {
  const key = readKey(keyFile) ?? createKey(keyFile)
  return {
    seal(text, place) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(place))
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
    },
    open(sealed, place) {
      const bytes = Buffer.from(sealed, 'base64')
      try {
        const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes))
          .setAAD(Buffer.from(place))
          .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
        return (
          decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
        )
      } catch (error) {
        throw new UsageError(
          `the secrets of ${place} were not stored with the key in ${keyFile}: put the right key in its place`,
          { cause: error },
        )
      }
    },
  }
}

function readKey(keyFile: string): Buffer | undefined {
  let key: Buffer
  try {
    key = readFileSync(keyFile)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw new UsageError(`the key in ${keyFile} cannot be read`, { cause: error })
  }
  if (key.length !== keyBytes) throw new UsageError(`${keyFile} holds no key of ${keyBytes} bytes`)
  if ((statSync(keyFile).mode & 0o077) !== 0) {
    throw new UsageError(`${keyFile} can be read by others: chmod 600 it, and think of its secrets as known`)
  }
  return key
}

/** On the disk before anything is sealed with it. */
function createKey(keyFile: string): Buffer {
  const key = randomBytes(keyBytes)
  const file = openSync(keyFile, 'wx', 0o600)
  writeSync(file, key)
  fsyncSync(file)
  closeSync(file)
  return key
}
