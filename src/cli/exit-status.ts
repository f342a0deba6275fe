import { CommanderError } from 'commander'
import { OperationError, UsageError } from '../lib/errors.ts'

/** With which status every command ends. */
export const exitStatus = {
  done: 0,
  /** It failed, was refused, or found a mistake. */
  failed: 1,
  /** The command line or the settings cannot be followed, so nothing was tried. */
  wrongUse: 2,
  /** Something is not yet as it is declared or ordered. */
  differences: 3,
} as const

/** The same for the end of every command's help. */
export const exitStatusHelp = `
Exit status: 0 done, 1 failed or refused, 2 wrong use, 3 not as declared yet.`

/** A mistake in the command line or the settings. */
export class WrongUseError extends UsageError {}

/**
 * What a person reads of an error, if anything, and the status to end with.
 * @throws the error itself, if it is a defect
 */
export function endWith(error: unknown): { readonly status: number; readonly message?: string } {
  if (error instanceof CommanderError)
    // Commander has printed it. Help and the version are no mistakes.
    return { status: error.exitCode === 0 ? exitStatus.done : exitStatus.wrongUse }
  if (error instanceof WrongUseError) return { status: exitStatus.wrongUse, message: error.message }
  if (error instanceof UsageError || error instanceof OperationError)
    return { status: exitStatus.failed, message: error.message }
  throw error
}
