// A planner's thread in a browser.

import { serve } from "../planner/serve.js";

serve({
  post: (message) => self.postMessage(message),
  onMessage: (listener) => self.addEventListener("message", (event) => listener(event.data)),
});
