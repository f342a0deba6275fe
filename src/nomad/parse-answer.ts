import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { errorMessage } from '../lib/errors.ts'
import { parseJSON } from '../lib/json.ts'
import { classifyNonsense, type Purpose } from './error-table.ts'

/** Builds the reader of one entry of a list: undefined if it is not what the schema says. */
export function createItemReader<Schema extends TSchema>(
  schema: Schema,
): (value: unknown) => Static<Schema> | undefined {
  const validator = Compile(schema)
  return (value) => (validator.Check(value) ? value : undefined)
}

/**
 * Builds the parser of one kind of answer: JSON with exact integers, checked against a schema. Fields that the schema
 * does not name are let through.
 */
export function createAnswerParser<Schema extends TSchema>(
  schema: Schema,
): (text: string, purpose: Purpose) => Static<Schema> {
  const validator = Compile(schema)
  return (text, purpose) => {
    let value: unknown
    try {
      value = parseJSON(text)
    } catch (error) {
      throw classifyNonsense(
        `the answer is not JSON (${errorMessage(error)}); is this the address of a Nomad API?`,
        purpose,
      )
    }
    if (validator.Check(value)) return value
    const [first] = validator.Errors(value)
    throw classifyNonsense(
      `the answer is not what the Volumes API gives: ${first?.instancePath || 'the whole'} ${first?.message}`,
      purpose,
    )
  }
}
