import { PluginStub } from '../../wire/plugin.ts'
import type { ServerContext } from '../context.ts'
import { notFound } from '../errors.ts'
import { answerFields, planPage } from '../filter/list-page.ts'
import type { Resource } from '../http/api.ts'
import type { RunBlockingQuery } from '../http/blocking-query.ts'
import { parseReadOptions } from '../http/read-options.ts'
import { presentPlugin, presentPluginStub } from '../plugins/present-plugin.ts'

const pluginFields = answerFields(PluginStub)

/** List and Read Plugin. */
export function pluginRoutes({ state }: ServerContext, blocking: RunBlockingQuery): Resource[] {
  const index = () => state.index('csi_plugins')
  return [
    {
      path: '/v1/plugins',
      GET: ({ query, signal }) => {
        const options = parseReadOptions(query)
        const type = query.get('type')
        if (type === null || type === '') return { body: [] }
        if (type !== 'csi') throw notFound('resource not found')
        const takePage = planPage(options, pluginFields, ({ ID }) => ID)
        const answer = (index: number) => {
          const { page, nextToken } = takePage(
            state.csi_plugins
              .list()
              .filter(({ id }) => id.startsWith(options.prefix))
              .map(presentPluginStub),
          )
          return { body: page, index, nextToken }
        }
        return blocking({ options, topics: ['csi_plugins'], index, answer }, signal)
      },
    },
    {
      path: '/v1/plugin/csi/:id',
      GET: ({ params: { id = '' }, query, signal }) =>
        blocking(
          {
            options: parseReadOptions(query),
            topics: [`csi_plugins/${id}`],
            index,
            answer: (index) => {
              const plugin = state.csi_plugins.get(id)
              if (plugin === undefined) throw notFound('plugin not found', index)
              return { body: presentPlugin(plugin, state.nodeID), index }
            },
          },
          signal,
        ),
    },
  ]
}
