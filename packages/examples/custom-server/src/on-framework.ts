import type { Failure, RequestSession } from '@coatcheck/core'
import { onFailure as onApiFailure } from './api.ts'
import { createAppOn, explain } from './app.ts'
import { onFailure as onFormFailure } from './forms.ts'
import { createVisitors } from './visitors.ts'
import type { VisitorData, VisitorOptions, Visitors } from './visitors.ts'

/** The application on a framework, whose adapter gives each request its session and saves it. */
export interface FrameworkApp {
  readonly visitors: Visitors
  readonly onFailure: (failure: Failure, response: Response) => Response | void
  readonly answer: (request: Request, session: LazyVisitor) => Promise<Response>
}

/** The session of a request, before it is asked for. */
export type LazyVisitor = Pick<RequestSession<Partial<VisitorData>>, 'get' | 'commit'>

export function createFrameworkApp(options: VisitorOptions): FrameworkApp {
  const lazyOf = new WeakMap<Request, LazyVisitor>()
  const asked = new WeakSet<Request>()
  const app = createAppOn({
    async handle(request, handler) {
      asked.add(request)
      const lazy = lazyOf.get(request) as LazyVisitor
      const session = await lazy.get()
      try {
        const response = await handler(session)
        // A value that cannot be stored is refused here, and not by the adapter.
        await lazy.commit()
        return response
      } catch (error) {
        // The application answers it by itself, so the adapter does not see it.
        session.discard()
        throw error
      }
    },
  })
  return {
    visitors: createVisitors(options),
    onFailure: (failure, response) =>
      isJson(response) ? onApiFailure(failure) : onFormFailure(failure),
    async answer(request, session) {
      lazyOf.set(request, session)
      const response = await app(request)
      if (options.explain && !asked.has(request)) explain(response.headers)
      return response
    },
  }
}

function isJson({ headers }: Response): boolean {
  return /^application\/json\b/.test(headers.get('Content-Type') ?? '')
}
