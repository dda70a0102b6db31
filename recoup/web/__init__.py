"""What the public web process serves: Stripe's webhooks, the customers' pages, health, and the inbox of trials."""
