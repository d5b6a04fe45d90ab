import { index, route } from '@react-router/dev/routes'
import type { RouteConfig } from '@react-router/dev/routes'

export default [
  index('routes/home.tsx'),
  route('public', 'routes/public.tsx'),
  route('api/session', 'routes/api.session.ts'),
  route('api/increment', 'routes/api.increment.ts'),
  route('api/login', 'routes/api.login.ts'),
  route('api/logout', 'routes/api.logout.ts'),
  // Middleware does not run for an address without a route.
  route('*', 'routes/nowhere.tsx'),
] satisfies RouteConfig
