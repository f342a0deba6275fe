import { status } from '@grpc/grpc-js'
import { EndlessListError, readPages } from '../lib/read-pages.ts'
import { PluginError } from './plugin-error.ts'

interface Page<Entry> {
  readonly entries: readonly Entry[]
  readonly nextToken: string
}

/**
 * Reads a list to its end. Where the plugin no longer accepts a token (ABORTED), it starts again from the first page,
 * once. A list without an end is a PluginError of class `broken-answer`.
 */
export async function listAll<Entry>(
  source: { readonly pluginID: string; readonly method: string },
  readPage: (startingToken: string) => Promise<Page<Entry>>,
): Promise<Entry[]> {
  const read = () =>
    readPages(async (token) => {
      const { entries, nextToken } = await readPage(token)
      return { items: entries, nextToken }
    })
  try {
    return await read().catch((error: unknown) => {
      if (error instanceof PluginError && error.code === status.ABORTED) return read()
      throw error
    })
  } catch (error) {
    if (!(error instanceof EndlessListError)) throw error
    const details = `next_token: ${error.message}`
    throw new PluginError({ ...source, code: status.INTERNAL, details, errorClass: 'broken-answer' })
  }
}
